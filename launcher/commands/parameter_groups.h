/* Root mean squares of a checkpoint's weights, and of the update that its optimizer's state makes,
 * by kind of parameters. The shards are read in pieces: 64 MiB at most are held at a time. */
#pragma once
#include "base/err.h"

#include "command.pb-c.h"

enum { PARAMETER_GROUPS_LAYERS = 8 /* up to so many, layers are told one by one */ };

/* Adds the groups to the reply. lr: the rate of the update. Fails as shard_files_read, and adds
 * nothing then. Digests are not checked. Local. */
int parameter_groups_tell(Trireme__DiagnoseReply *reply, const char *folder,
                          const Trireme__Manifest *manifest, double lr, struct err *err);
