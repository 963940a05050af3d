/* report/tensorboard.h: event files as TensorBoard reads them: TFRecords that hold Event messages. The frame is
 * described in tensorflow/core/lib/io/record_writer.h, the messages in tensorflow/core/util/event.proto and
 * tensorflow/core/framework/summary.proto of https://github.com/tensorflow/tensorflow. */
#ifndef QEA_REPORT_TENSORBOARD_H
#define QEA_REPORT_TENSORBOARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4, has test vectors). */
uint32_t qea_crc32c(const void *bytes, size_t size);

/* Begins a file: the record that names the version. */
void qea_tensorboard_begin(qea_text *file, double time_s);
/* A record with one scalar. step >= 0; a value that is not finite is left out. */
void qea_tensorboard_scalar(qea_text *file, double time_s, int64_t step, const char *tag, double value);

#endif
