#include "study/places.h"

#include <stdlib.h>
#include <string.h>

const qea_place qea_places[] = {
    {"Cifar10", "QEA_CIFAR10", NULL},
    {"FashionMnist", "QEA_FASHION_MNIST", "/usr/share/datasets/fashion-mnist"}, /* Debian's dataset-fashion-mnist */
    {"ImageFolder", "QEA_IMAGES", NULL},
    {NULL, NULL, NULL},
};

const char *qea_place_path(const qea_place *place) {
    const char *value = place->variable != NULL ? getenv(place->variable) : NULL;
    return value != NULL && *value != '\0' ? value : place->path;
}

const char *qea_usual_path(const char *type) {
    for (const qea_place *place = qea_places; place->type != NULL; place++)
        if (strcmp(place->type, type) == 0) return qea_place_path(place);
    return NULL;
}
