/* The version that files and --version carry. */
#pragma once

#define TRIREME_VERSION "0.1.0"
