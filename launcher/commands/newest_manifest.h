/* The newest checkpoint of a run that tells what it holds. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

/* Reads the manifest of the newest checkpoint whose manifest can be read; *manifest is NULL where
 * there is none. The caller frees it with message_free. Its shards are not read. Local. */
int newest_manifest(Trireme__Manifest **manifest, const char *run, struct err *err);
