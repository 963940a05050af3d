#include "quantea/study.h"

const char *qea_version(void) { return QEA_VERSION; }
