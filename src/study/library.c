/* The shared library is the layers' static libraries put together; a target needs a file of its own. */
#include "quantea/study.h"

const char *qea_version(void) { return QEA_VERSION; }
