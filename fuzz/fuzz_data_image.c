/* Any bytes as a PNG or JPEG image: no crash, and what is accepted can be read whole and resized. */
#include <stdlib.h>

#include "base/memory.h"
#include "data/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int channels = 1; channels <= 3; channels += 2) {
        qea_image image;
        uint8_t resized[5 * 7 * 3];
        if (qea_image_decode(NULL, "input", data, size, channels, &image) != QEA_OK) continue;
        if (image.channels != channels) abort();
        if (qea_image_resize(NULL, &image, 5, 7, resized) != QEA_OK) abort();
        qea_free(image.pixels);
    }
    return 0;
}
