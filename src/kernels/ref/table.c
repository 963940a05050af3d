#include "kernels/ref/ref.h"

static const qea_kernels ref = {.name = "ref",
                                .bf16 = QEA_BF16,
                                .conv_create = qea_ref_conv_create,
                                .conv_destroy = qea_ref_conv_destroy,
                                .conv_set_weights = qea_ref_conv_set_weights,
                                .conv_reads_bytes = qea_ref_conv_reads_bytes,
                                .conv_forward = qea_ref_conv_forward,
                                .conv_backward_data = qea_ref_conv_backward_data,
                                .conv_backward_weights = qea_ref_conv_backward_weights,
                                .conv_forward_stats = qea_ref_conv_forward_stats,
                                .channel_stats = qea_ref_channel_stats,
                                .segment_forward = qea_ref_segment_forward,
                                .segment_reduce = qea_ref_segment_reduce,
                                .segment_backward = qea_ref_segment_backward,
                                .max_pool = qea_ref_max_pool,
                                .max_pool_backward = qea_ref_max_pool_backward,
                                .avg_pool = qea_ref_avg_pool,
                                .avg_pool_backward = qea_ref_avg_pool_backward,
                                .skip = qea_ref_skip,
                                .skip_backward = qea_ref_skip_backward,
                                .softmax_loss = qea_ref_softmax_loss};

const qea_kernels *qea_kernels_ref(void) { return &ref; }
