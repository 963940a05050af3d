/* make_images FOLDER: a small data set of PNG files to try commands on, FOLDER/CLASS/N.png: stripes, discs and noise.
 */
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 24, IMAGES = 40, NUM_CLASSES = 3 };

static const char *const classes[NUM_CLASSES] = {"discs", "noise", "stripes"};

static uint32_t next(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

static void draw(int class_index, uint32_t *state, uint8_t pixels[SIDE][SIDE][3]) {
    int shift = (int)(next(state) >> 29), radius = 5 + (int)(next(state) >> 30);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int dx = x - SIDE / 2 + shift - 4, dy = y - SIDE / 2;
            int on = class_index == 0   ? dx * dx + dy * dy < radius * radius
                     : class_index == 1 ? (int)(next(state) >> 31)
                                        : (x + y + shift) / 4 % 2;
            for (int c = 0; c < 3; c++) pixels[y][x][c] = (uint8_t)(on * 160 + (int)(next(state) >> 26));
        }
}

int main(int argc, char **argv) {
    static uint8_t pixels[SIDE][SIDE][3];
    uint32_t state = 1;
    if (argc != 2 || mkdir(argv[1], 0777) != 0) return 2;
    for (int c = 0; c < NUM_CLASSES; c++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], classes[c]);
        if (mkdir(path, 0777) != 0) return 1;
        for (int i = 0; i < IMAGES; i++) {
            png_image image;
            memset(&image, 0, sizeof image);
            image.version = PNG_IMAGE_VERSION;
            image.width = image.height = SIDE;
            image.format = PNG_FORMAT_RGB;
            draw(c, &state, pixels);
            (void)snprintf(path, sizeof path, "%s/%s/%d.png", argv[1], classes[c], i);
            if (png_image_write_to_file(&image, path, 0, pixels, 0, NULL) == 0) return 1;
        }
    }
    return 0;
}
