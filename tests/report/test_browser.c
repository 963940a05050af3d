/* report.html in a headless Chromium: what is shown before and after pointing, clicking, tapping and typing; without
 * JavaScript, in the dark, on a phone and on paper. Skipped where no Chromium is installed. */
#include "page_fixture.h"

#include "browser.h"
#include "report/compare.h"

static browser chromium;
static bool there;

static int start(void **state) {
    (void)state;
    there = browser_program() != NULL;
    if (!there)
        print_message("no Chromium: tests of the page in a browser are skipped (scripts/install-deps browser)\n");
    return there && !browser_start(&chromium) ? -1 : 0;
}

static int stop(void **state) {
    (void)state;
    if (there) browser_stop(&chromium);
    return 0;
}

/* --- words of the tests --- */

static void call(const char *method, json_t *params) {
    if (!browser_do(&chromium, method, params)) fail_msg("%s failed", method);
}

static json_t *ask(const char *expression) {
    json_t *value = browser_eval(&chromium, expression);
    if (value == NULL) fail_msg("no answer to %s", expression);
    return value;
}

static void assert_answer(const char *expression, const char *expected) {
    json_t *value = ask(expression);
    char *text = json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    if (strcmp(text, expected) != 0) fail_msg("%s\nis    %s\nnot   %s", expression, text, expected);
    free(text);
}

static void assert_shown(const char *selector, const char *part) {
    char expression[512];
    (void)snprintf(expression, sizeof expression,
                   "(function(){var e=document.querySelector('%s');return e&&e.getBoundingClientRect().height>0&&"
                   "getComputedStyle(e).visibility!=='hidden'?e.textContent:'(not shown)'})()",
                   selector);
    json_t *value = ask(expression);
    if (json_string_value(value) == NULL || strstr(json_string_value(value), part) == NULL)
        fail_msg("%s shows '%s', not '%s'", selector, json_string_value(value), part);
    json_decref(value);
}

/* The window: wide, or a phone. */
static void resize(int width, bool phone) {
    call("Emulation.setDeviceMetricsOverride",
         json_pack("{s:i, s:i, s:i, s:b}", "width", width, "height", 800, "deviceScaleFactor", 1, "mobile", phone));
    call("Emulation.setTouchEmulationEnabled", json_pack("{s:b}", "enabled", phone));
}

static void prefer(const char *media, const char *scheme) {
    call("Emulation.setEmulatedMedia", json_pack("{s:s, s:[{s:s, s:s}]}", "media", media, "features", "name",
                                                 "prefers-color-scheme", "value", scheme));
}

/* The page of the fixture, newly loaded. */
static void visit(fixture *f, const char *fragment) {
    char address[256];
    qea_free(written(f));
    (void)snprintf(address, sizeof address, "file://%s%s", f->path, fragment);
    if (!browser_visit(&chromium, address)) fail_msg("%s is not loaded", address);
}

static void where(const char *selector, double *x, double *y) {
    char expression[512];
    (void)snprintf(expression, sizeof expression,
                   "(function(){var e=document.querySelector('%s');e.scrollIntoView({block:'center'});"
                   "var r=e.getBoundingClientRect();return [(r.left+r.right)/2,(r.top+r.bottom)/2]})()",
                   selector);
    json_t *value = ask(expression);
    *x = json_number_value(json_array_get(value, 0));
    *y = json_number_value(json_array_get(value, 1));
    json_decref(value);
}

static void mouse(const char *type, double x, double y) {
    call("Input.dispatchMouseEvent", json_pack("{s:s, s:f, s:f, s:s, s:i}", "type", type, "x", x, "y", y, "button",
                                               strcmp(type, "mouseMoved") == 0 ? "none" : "left", "clickCount", 1));
}

static void point_at(const char *selector) {
    double x, y;
    where(selector, &x, &y);
    mouse("mouseMoved", x, y);
}

static void click(const char *selector) {
    double x, y;
    where(selector, &x, &y);
    mouse("mousePressed", x, y);
    mouse("mouseReleased", x, y);
}

static void type_key(const char *key) {
    call("Input.dispatchKeyEvent", json_pack("{s:s, s:s, s:s}", "type", "keyDown", "key", key, "code", key));
    call("Input.dispatchKeyEvent", json_pack("{s:s, s:s, s:s}", "type", "keyUp", "key", key, "code", key));
}

static const char bits_shown[] = "Array.from(document.querySelectorAll('#selected svg text.w')).map(e=>e.textContent)"
                                 ".join('-')";

/* Each test begins with a wide window, light, with JavaScript and with nothing noted. */
static int begin(void **state) {
    if (!there) return set_up(state);
    resize(1280, false);
    prefer("", "light");
    call("Emulation.setScriptExecutionDisabled", json_pack("{s:b}", "value", 0));
    mouse("mouseMoved", 1, 1);
    json_array_clear(chromium.requests);
    json_array_clear(chromium.troubles);
    return set_up(state);
}

#define NEEDS_CHROMIUM()                                                                                               \
    if (!there) skip()

/* --- tests --- */

static void a_point_under_the_pointer_is_named(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    assert_answer("document.getElementById('tip').hidden", "true");
    point_at(".point.baseline[data-t=\"7\"]");
    assert_shown("#tip", "uniform w4a4, fully trained: top-1 accuracy 50.00 %, FLOPs 1.250 M");
    assert_answer("document.querySelectorAll('.near').length", "1");
    point_at("h1");
    assert_answer("document.getElementById('tip').hidden", "true");
}

static void a_click_on_a_point_selects_its_trial_everywhere(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    assert_shown("#selected-name", "front, trial 3, fully trained: 75.00 %");
    assert_answer(bits_shown, "2-8-4");
    click(".scatter .point.uniform[data-t=\"2\"]"); /* has no details of its own: its bits are filled in */
    assert_shown("#selected-name", "Trial 2");
    assert_answer(bits_shown, "8-8-8");
    assert_shown("#selected-body", "top-1 accuracy: 60.00 %");
    /* 10, 20 and 70 bytes at 8 bits */
    assert_answer("Array.from(document.querySelectorAll('#selected td.s')).map(e=>e.textContent).join()",
                  "10.0 %,20.0 %,70.0 %");
    assert_answer("Array.from(document.querySelectorAll('.sel')).every(e=>e.getAttribute('data-t')==='2')", "true");
    assert_answer("document.querySelector('#t2').classList.contains('sel')", "true");
    click(".scatter .point.baseline[data-t=\"8\"]");
    assert_shown("#selected-name", "uniform w8a8, fully trained: 71.25 %");
    /* points in the scatter plot and at the end of three curves, three curves, the row of the table, the one of the
     * curves' ends, and its details */
    assert_answer("document.querySelectorAll('.sel').length", "10");
}

static void a_row_of_a_table_selects_its_trial(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    click("#trials summary");
    click("#t4 td:nth-child(3)");
    assert_shown("#selected-name", "Trial 4");
    assert_answer("document.querySelector('.point.trial[data-t=\"4\"]').classList.contains('sel')", "true");
    click("#failures tr[data-t=\"5\"] td");
    assert_shown("#selected-body", "failed: <script>alert(1)</script>");
    click("a[href=\"#m7\"]");
    assert_shown("#selected-name", "uniform w4a4");
}

static void a_row_of_the_map_of_bits_selects_its_trial(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    click(".map .row[data-t=\"1\"] text");
    assert_shown("#selected-name", "Trial 1");
    assert_answer(bits_shown, "4-4-4");
}

static void a_comparison_names_and_selects_models_of_each_task(void **state) {
    NEEDS_CHROMIUM();
    fixture *f = *state;
    const qea_report_page *pages[] = {&f->page, &f->page};
    const qea_report_comparison all = {pages, 2, NULL, 0};
    char address[128];
    f->page.task = "one task";
    assert_int_equal(qea_report_write_comparison(f->ctx, &all, f->path), QEA_OK);
    (void)snprintf(address, sizeof address, "file://%s", f->path);
    assert_true(browser_visit(&chromium, address));
    assert_answer("document.getElementById('selected').hidden", "true");
    click(".point.task-baseline[data-t=\"2-7\"]");
    assert_shown("#selected-name", "one task: uniform w4a4, fully trained");
    assert_shown("#selected-body", "top-1 accuracy: 50.00 %");
    assert_answer("Array.from(document.querySelectorAll('.sel')).map(e=>e.tagName).join()", "path,TR");
    click(".point.task-front[data-t=\"1-1\"]"); /* stands in no table */
    assert_shown("#selected-name", "one task: trial 1 (uniform, on the front)");
    assert_answer("document.documentElement.scrollWidth <= innerWidth", "true");
}

static void an_address_selects_a_trial(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "#t4");
    assert_shown("#selected-name", "Trial 4");
    assert_answer("new Promise(r=>setTimeout(()=>{var b=document.getElementById('selected').getBoundingClientRect();"
                  "r(b.top>=0&&b.top<innerHeight)},400))",
                  "true");
}

static void arrow_keys_go_from_point_to_point_and_it_is_said(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    json_decref(ask("document.querySelector('svg.scatter').focus()||1"));
    type_key("Home"); /* the cheapest: trial 1, 1 M */
    assert_answer("document.getElementById('said').textContent", "Selected: Trial 1");
    type_key("ArrowRight"); /* w4a4 fully trained, 1.25 M */
    assert_shown("#selected-name", "uniform w4a4");
    assert_shown("#tip", "uniform w4a4");
    type_key("ArrowLeft");
    assert_shown("#selected-name", "Trial 1");
    assert_answer("document.getElementById('said').getAttribute('role')", "status");
}

static void a_tap_beside_a_point_selects_it_on_a_phone(void **state) {
    NEEDS_CHROMIUM();
    double x, y;
    resize(390, true);
    visit(*state, "");
    where(".scatter .point.trial[data-t=\"4\"]", &x, &y);
    call("Input.dispatchTouchEvent",
         json_pack("{s:s, s:[{s:f, s:f}]}", "type", "touchStart", "touchPoints", "x", x + 4, "y", y + 9));
    call("Input.dispatchTouchEvent", json_pack("{s:s, s:[]}", "type", "touchEnd", "touchPoints"));
    assert_answer("new Promise(r=>setTimeout(()=>r(document.getElementById('selected-name').textContent),400))",
                  "Trial 4");
    assert_shown("#tip", "trial 4");
    assert_answer("document.documentElement.scrollWidth", "390"); /* nothing sticks out */
}

/* The page as it is, for any reader. */
static void assert_readable(void) {
    assert_answer("Array.from(document.querySelectorAll('main svg.plot')).every(e=>{var r=e.getBoundingClientRect();"
                  "return r.width>300&&r.height>150})",
                  "true");
    assert_answer("document.querySelectorAll('main svg.plot').length", "5"); /* objectives, hypervolume, 3 curves */
    assert_answer("Array.from(document.querySelectorAll('main svg')).every(e=>e.hasAttribute('aria-hidden')||"
                  "(/^(img|application)$/.test(e.getAttribute('role'))&&e.getAttribute('aria-label').length>20))",
                  "true");
    assert_answer("Array.from(document.querySelectorAll('table')).every(e=>e.caption.textContent.length>5)", "true");
    assert_answer("Array.from(document.querySelectorAll('.point')).every(e=>"
                  "(e.querySelector('title')||{}).textContent||e.getAttribute('aria-label'))",
                  "true");
    assert_shown("section[aria-labelledby=\"h-models\"] tbody", "uniform w4a4");
}

static void everything_is_there_without_javascript(void **state) {
    NEEDS_CHROMIUM();
    call("Emulation.setScriptExecutionDisabled", json_pack("{s:b}", "value", 1));
    visit(*state, "");
    assert_answer("document.getElementById('selected').hidden", "true"); /* it was the script that filled it */
    assert_readable();
    click("#m3 summary");
    assert_shown("#m3 svg.layers", "2");
    click("#trials summary");
    assert_shown("#t6", "waiting");
}

static void everything_is_there_with_javascript(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    assert_answer("document.getElementById('selected').hidden", "false");
    assert_readable();
}

/* WCAG 2.1, 1.4.3: the contrast of all text with what is behind it, which must be at least 4.5. */
static const char least_contrast[] =
    "(function(){"
    "function rgb(c){return c.match(/[0-9.]+/g).map(Number)}"
    "function light(c){var v=c.slice(0,3).map(x=>{x/=255;return x<=.03928?x/12.92:Math.pow((x+.055)/1.055,2.4)});"
    "return .2126*v[0]+.7152*v[1]+.0722*v[2]}"
    "function back(e){for(;e;e=e.parentElement){var c=rgb(getComputedStyle(e).backgroundColor);"
    "if(c.length<4||c[3]>0)return c}return [255,255,255]}"
    "var least=99;document.querySelectorAll('body *').forEach(e=>{"
    "if(!Array.from(e.childNodes).some(n=>n.nodeType===3&&n.data.trim())||!e.getBoundingClientRect().height||"
    "/SCRIPT|TITLE/i.test(e.tagName)||e.closest('.map g'))return;var s=getComputedStyle(e);"
    "var a=light(rgb(e.closest('svg')?s.fill:s.color)),b=light(back(e));"
    "least=Math.min(least,(Math.max(a,b)+.05)/(Math.min(a,b)+.05))});return least})()";

static void text_stands_out_from_its_ground(const char *scheme) {
    prefer("", scheme);
    json_t *least = ask(least_contrast);
    double contrast = json_number_value(least);
    json_decref(least);
    if (!(contrast >= 4.5 && contrast < 22)) fail_msg("%s: a contrast of %d/100", scheme, (int)(100 * contrast));
}

static void text_is_readable_in_light_and_dark(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    text_stands_out_from_its_ground("light");
    assert_answer("getComputedStyle(document.body).backgroundColor", "rgb(255, 255, 255)");
    text_stands_out_from_its_ground("dark");
    assert_answer("getComputedStyle(document.body).backgroundColor", "rgb(21, 24, 28)");
}

static void on_paper_everything_is_open(void **state) {
    NEEDS_CHROMIUM();
    visit(*state, "");
    json_t *paper = browser_call(&chromium, "Page.printToPDF", NULL);
    const char *data = json_string_value(json_object_get(paper, "data"));
    assert_true(data != NULL && strncmp(data, "JVBERi0", 7) == 0); /* "%PDF-" */
    json_decref(paper);
    assert_answer("Array.from(document.querySelectorAll('details')).every(e=>e.open)", "true");
    prefer("print", "dark");
    assert_answer("getComputedStyle(document.querySelector('#selected')).display", "none");
    assert_answer("getComputedStyle(document.body).backgroundColor", "rgb(255, 255, 255)");
}

static void nothing_leaves_the_page_and_nothing_goes_wrong(void **state) {
    NEEDS_CHROMIUM();
    fixture *f = *state;
    char address[128];
    (void)snprintf(address, sizeof address, "file://%s", f->path);
    visit(f, "");
    point_at(".scatter .point.trial");
    click(".scatter .point.trial");
    click("#trials summary");
    click("#t1");
    json_decref(ask("new Promise(r=>setTimeout(()=>r(1),200))"));
    for (size_t i = 0; i < json_array_size(chromium.requests); i++) {
        const char *url = json_string_value(json_array_get(chromium.requests, i));
        if (strcmp(url, address) != 0 && strcmp(url, "about:blank") != 0) fail_msg("it asked for %s", url);
    }
    char *troubles = json_dumps(chromium.troubles, 0);
    if (strcmp(troubles, "[]") != 0) fail_msg("%s", troubles);
    free(troubles);
    /* and the test would notice: the page's own policy refuses and complains */
    json_decref(ask("new Promise(r=>{var i=new Image();i.onerror=()=>setTimeout(()=>r(1),200);i.src='other.png'})"));
    assert_true(json_array_size(chromium.troubles) > 0);
}

#define IN_BROWSER(test) cmocka_unit_test_setup_teardown(test, begin, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BROWSER(a_point_under_the_pointer_is_named),
        IN_BROWSER(a_click_on_a_point_selects_its_trial_everywhere),
        IN_BROWSER(a_row_of_a_table_selects_its_trial),
        IN_BROWSER(a_row_of_the_map_of_bits_selects_its_trial),
        IN_BROWSER(a_comparison_names_and_selects_models_of_each_task),
        IN_BROWSER(an_address_selects_a_trial),
        IN_BROWSER(arrow_keys_go_from_point_to_point_and_it_is_said),
        IN_BROWSER(a_tap_beside_a_point_selects_it_on_a_phone),
        IN_BROWSER(everything_is_there_without_javascript),
        IN_BROWSER(everything_is_there_with_javascript),
        IN_BROWSER(text_is_readable_in_light_and_dark),
        IN_BROWSER(on_paper_everything_is_open),
        IN_BROWSER(nothing_leaves_the_page_and_nothing_goes_wrong),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
