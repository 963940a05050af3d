/* What belongs to a trial carries its id in data-t. A selected one is marked wherever it stands, and shown in a section
 * of its own: a copy of its details or, of a trial that has none, its row of the table and a copy of another model's
 * network with its bits filled in. Text is moved with textContent only. An address that ends in #m12 or #t12 selects
 * trial 12 at once. */
(function () {
'use strict';
function all(q, r) { return Array.prototype.slice.call((r || document).querySelectorAll(q)); }
function byId(id) { return document.getElementById(id); }
var box = byId('selected'), name = byId('selected-name'), body = byId('selected-body'), said = byId('said'),
    tip = byId('tip'), pattern = document.querySelector('details.model .network');

/* --- the selected trial --- */

function numbers(e) { return e.textContent.split('-').map(Number); }
function bars(net, kind, values, full, shown) {
    var rects = all('rect.' + kind, net), texts = all('text.' + kind, net);
    values.forEach(function (v, i) {
        var y = +rects[i].getAttribute('data-y'), h = full > 0 ? 46 * v / full : 0;
        rects[i].setAttribute('height', h);
        rects[i].setAttribute('y', y - h);
        texts[i].setAttribute('y', y - h - 3);
        texts[i].textContent = shown(v);
    });
}
function fill(net, w, a) {
    var cells = all('td.b', net), bytes = cells.map(function (c, i) { return +c.getAttribute('data-n') * w[i] / 8; });
    var sum = bytes.reduce(function (s, v) { return s + v; }, 0) || 1;
    var shares = bytes.map(function (v) { return v / sum; });
    var most = Math.max.apply(null, w.concat(a)) > 8 ? 32 : 8;
    bars(net, 'w', w, most, String);
    bars(net, 'a', a, most, String);
    bars(net, 'b', shares, Math.max.apply(null, shares), function (v) { return (100 * v).toFixed(0); });
    all('td.w', net).forEach(function (c, i) { c.textContent = w[i]; });
    all('td.a', net).forEach(function (c, i) { c.textContent = a[i]; });
    cells.forEach(function (c, i) { c.textContent = bytes[i].toFixed(0); });
    all('td.s', net).forEach(function (c, i) { c.textContent = (100 * shares[i]).toFixed(1) + ' %'; });
    return net;
}
function add(list, text) {
    var item = document.createElement('li');
    item.textContent = text;
    list.appendChild(item);
}
function values(row) {
    var list = document.createElement('ul'), heads = all('thead th', row.closest('table'));
    all('th,td', row).forEach(function (c, i) {
        if (c.textContent !== '-') add(list, heads[i].textContent + ': ' + c.textContent);
    });
    all('#failures tr[data-t="' + row.getAttribute('data-t') + '"]').forEach(function (f) {
        add(list, 'failed: ' + f.lastElementChild.textContent);
    });
    return list;
}
function show(t) {
    var model = byId('m' + t), row = byId('t' + t);
    body.textContent = '';
    name.textContent = 'Trial ' + t;
    if (model) {
        name.textContent = model.querySelector('summary').textContent;
        all(':scope>:not(summary)', model).forEach(function (e) { body.appendChild(e.cloneNode(true)); });
    } else if (row) {
        body.appendChild(values(row));
        if (pattern && row.querySelector('td.w'))
            body.appendChild(fill(pattern.cloneNode(true), numbers(row.querySelector('td.w')),
                                  numbers(row.querySelector('td.a'))));
    }
    if (!model && t.indexOf('-') > 0)
        all('.point[data-t="' + t + '"]').slice(-1).forEach(function (e) { name.textContent = titleOf(e); });
    said.textContent = 'Selected: ' + name.textContent;
    box.hidden = false;
    box.parentNode.classList.add('two');
}
function select(t, scroll) {
    all('.sel').forEach(function (e) { e.classList.remove('sel'); });
    all('[data-t="' + t + '"]').forEach(function (e) {
        e.classList.add('sel');
        if (e.classList.contains('point')) e.parentNode.insertBefore(e, e.parentNode.querySelector('.label'));
    });
    show(t);
    if (scroll) box.scrollIntoView({block: 'nearest'});
}

/* --- the plots: the point that is nearest to the pointer --- */

function place(e) {
    var m = /translate\(([^ ]+) ([^)]+)\)/.exec(e.getAttribute('transform'));
    return {e: e, x: +m[1], y: +m[2]};
}
function pointsOf(plot) {
    if (!plot.points) plot.points = all('.point', plot).map(place);
    return plot.points;
}
function nearest(plot, event, reach) {
    var to = plot.getScreenCTM().inverse(), at = new DOMPoint(event.clientX, event.clientY).matrixTransform(to);
    var best = null, least = Math.pow(reach * to.a, 2);
    pointsOf(plot).forEach(function (p) {
        var d = Math.pow(p.x - at.x, 2) + Math.pow(p.y - at.y, 2);
        if (d <= least) {
            least = d;
            best = p.e;
        }
    });
    return best;
}
function titleOf(e) {
    var title = e.querySelector('title'); /* taken away: the browser would show it, too, and later */
    if (title) {
        e.setAttribute('data-name', title.textContent);
        e.setAttribute('aria-label', title.textContent);
        title.remove();
    }
    return e.getAttribute('data-name');
}
function hide() {
    tip.hidden = true;
    all('.near').forEach(function (e) { e.classList.remove('near'); });
}
function tell(point) {
    hide();
    if (!point) return;
    var r = point.getBoundingClientRect();
    tip.textContent = titleOf(point);
    tip.hidden = false;
    point.classList.add('near');
    tip.style.left = Math.max(4, Math.min(r.left, innerWidth - tip.offsetWidth - 4)) + 'px';
    tip.style.top = (r.bottom + tip.offsetHeight + 8 < innerHeight ? r.bottom + 6
                                                                    : r.top - tip.offsetHeight - 6) + 'px';
}
all('svg.scatter').forEach(function (plot) {
    plot.setAttribute('tabindex', '0');
    plot.setAttribute('role', 'application');
    plot.setAttribute('aria-label', plot.getAttribute('aria-label') + '. Arrow keys go from point to point.');
    plot.addEventListener('pointermove', function (e) { if (e.pointerType === 'mouse') tell(nearest(plot, e, 14)); });
    plot.addEventListener('pointerleave', function (e) { if (e.pointerType === 'mouse') hide(); });
    plot.addEventListener('click', function (e) {
        var point = nearest(plot, e, 28);
        tell(point);
        if (point) select(point.getAttribute('data-t'), false);
        e.stopPropagation();
    });
    plot.addEventListener('blur', hide);
    plot.addEventListener('keydown', function (e) {
        var step = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -1e9, End: 1e9}[e.key];
        if (!step) return;
        var list = pointsOf(plot).slice().sort(function (p, q) { return p.x - q.x || q.y - p.y; });
        var now = list.findIndex(function (p) { return p.e === plot.current; });
        if (now < 0) now = list.findIndex(function (p) { return p.e.classList.contains('sel'); });
        now = Math.max(0, Math.min(list.length - 1, now + step));
        if (!list.length) return;
        e.preventDefault();
        plot.current = list[now].e;
        select(plot.current.getAttribute('data-t'), false);
        tell(plot.current);
    });
});

document.addEventListener('click', function (e) {
    hide();
    if (e.target.closest('summary,#selected')) return;
    var hit = e.target.closest('[data-t]');
    if (!hit || hit.matches('details')) return;
    if (e.target.closest('a')) e.preventDefault();
    select(hit.getAttribute('data-t'), true);
});
window.addEventListener('beforeprint', function () { all('details').forEach(function (e) { e.open = true; }); });
window.addEventListener('hashchange', begin);

function reveal() { setTimeout(function () { box.scrollIntoView({block: 'nearest'}); }, 50); }
function begin() {
    var models = 'details.model', first = document.querySelector(models + ':not([data-reference])') ||
        document.querySelector(models), asked = /^#[mt]([0-9-]+)$/.exec(location.hash);
    if (asked) {
        select(asked[1], false);
        reveal(); /* later than the browser, which goes to the trial's row */
        window.addEventListener('load', reveal);
    } else if (first) select(first.getAttribute('data-t'), false);
}
begin();
})();
