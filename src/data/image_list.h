/* data/image_list.h: which files of an image folder make a part, in which order, with which labels. */
#ifndef QEA_DATA_IMAGE_LIST_H
#define QEA_DATA_IMAGE_LIST_H

#include "data/readers.h"

typedef struct qea_image_entry {
    char *path; /* owned */
    int label;
    uint32_t rank, of; /* its place among the images of its class, and their number: for the order */
} qea_image_entry;

typedef struct qea_image_list {
    char **classes; /* owned: qea_names_free; sorted, the labels' names */
    size_t num_classes;
    qea_image_entry *entries; /* owned */
    size_t count, capacity;
    bool absent; /* QEA_PART_VAL without a folder */
} qea_image_list;

/* The list must be {0}; it is to be freed in every case. */
QEA_MUST_USE qea_status qea_image_list_make(qea_context *ctx, const qea_dataset_source *source, qea_dataset_part part,
                                            qea_image_list *list);
void qea_image_list_free(qea_image_list *list);

#endif
