/* The version of the program, for files and --version. */
#pragma once

#define TRIREME_VERSION "0.1.0"
