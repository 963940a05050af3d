/* study/places.h: where data sets lie on many machines. */
#ifndef QEA_STUDY_PLACES_H
#define QEA_STUDY_PLACES_H

#include <stddef.h>

typedef struct qea_place {
    const char *type;     /* of the data set */
    const char *variable; /* of the environment, which names the folder; NULL: none */
    const char *path;     /* where it is by default; NULL: nowhere */
} qea_place;

/* Ends with type NULL. */
extern const qea_place qea_places[];

/* The variable's value if it is set, else the default; NULL: neither. */
const char *qea_place_path(const qea_place *place);
/* The same of the first place of a type. */
const char *qea_usual_path(const char *type);

#endif
