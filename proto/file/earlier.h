/* Configurations that earlier versions wrote, in RUN/config.yaml and in manifests: what means
 * nothing any more is dropped, what is beyond its bounds now is brought to them. Only for files
 * that this program wrote: in a configuration that somebody gives, such keys are refused. */
#pragma once

struct node;

/* Amends the tree of a configuration, or of a manifest with those in it. Returns what it did to the
 * configuration ("gate.beta, gate.confirm mean nothing any more; gate.share 0.5 becomes 0.4"),
 * fresh; NULL: nothing. Trees of another kind are left as they are. */
char *earlier_config(struct node *config);
void earlier_manifest(struct node *manifest);
