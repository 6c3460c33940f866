/* The path of the front, for whoever starts this program anew. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Writes it. Returns false, with errno, where the system does not tell. */
bool front_path(char *path, size_t size);
