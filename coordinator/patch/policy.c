#include "coordinator/patch/policy.h"

#include "base/file.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/number.h"
#include "proto/schema/read.h"
#include "proto/schema/value.h"
#include "proto/schema/walk.h"

#include "config.pb-c.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_min(const Trireme__Allow *allow)
{
    return allow->has_min || allow->min != 0;
}

static bool has_max(const Trireme__Allow *allow)
{
    return allow->has_max || allow->max != 0;
}

/* The doc of a path in which a * stands for the number of an element. */
static const struct field_doc *find_doc(const char *path, struct err *err)
{
    struct text plain = {0};
    for (const char *part = path;; part++) {
        size_t n = strcspn(part, ".");
        if (n == 1 && *part == '*')
            text_add(&plain, "0");
        else
            text_add_bytes(&plain, part, n);
        part += n;
        if (!*part)
            break;
        text_add(&plain, ".");
    }
    const struct field_doc *doc = message_field_doc(&trireme__config__descriptor, plain.bytes, err);
    text_clear(&plain);
    return doc;
}

static int check_bounds(const Trireme__Allow *allow, const struct field_doc *doc, struct err *err)
{
    if (doc->names && (has_min(allow) || has_max(allow)))
        return err_set(err, ERR_USAGE, "%s: found bounds, expected none: it takes words",
                       allow->path);
    if (has_min(allow) && allow->min < doc->min)
        return err_set(err, ERR_USAGE,
                       "%s: min: found %g, expected at least %g: a policy can only narrow",
                       allow->path, allow->min, doc->min);
    if (has_max(allow) && allow->max > doc->max)
        return err_set(err, ERR_USAGE,
                       "%s: max: found %g, expected at most %g: a policy can only narrow",
                       allow->path, allow->max, doc->max);
    double min = has_min(allow) ? allow->min : doc->min,
           max = has_max(allow) ? allow->max : doc->max;
    if (min > max)
        return err_set(err, ERR_USAGE,
                       "%s: found min %g above max %g, expected the smaller one first", allow->path,
                       min, max);
    return 0;
}

static int check(const Trireme__Policy *policy, struct err *err)
{
    for (size_t i = 0; i < policy->n_allow; i++) {
        const Trireme__Allow *allow = policy->allow[i];
        if (!allow->path || !*allow->path)
            return err_set(err, ERR_USAGE,
                           "allow.%zu: found no path, expected one such as optimizer.lr", i);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(policy->allow[k]->path, allow->path))
                return err_set(err, ERR_USAGE, "allow.%zu: found %s a second time", i, allow->path);
        const struct field_doc *doc = find_doc(allow->path, err);
        if (!doc)
            return err_context(err, "allow.%zu", i);
        if (doc->judged == JUDGED_UNJUDGED)
            return err_set(err, ERR_USAGE,
                           "allow.%zu: %s: no experiment may change this, whatever a policy says",
                           i, allow->path);
        if (check_bounds(allow, doc, err) < 0)
            return err_context(err, "allow.%zu", i);
    }
    return 0;
}

int policy_read(Trireme__Policy **policy, const char *path, struct err *err)
{
    *policy = NULL;
    if (!path || !*path)
        return 0;
    size_t size = 0;
    char *text = file_read(path, &size, ERR_USAGE, err);
    if (!text)
        return err_context(err, "experiment.policy");
    Trireme__Policy *read = message_new(&trireme__policy__descriptor);
    int rc = yaml_read(read, text, size, path, ERR_USAGE, err);
    if (rc == 0 && check(read, err) < 0)
        rc = err_context(err, "%s", path);
    free(text);
    if (rc == 0)
        *policy = read;
    else
        message_free(read);
    return rc;
}

bool policy_allows(double *min, double *max, const Trireme__Policy *policy, const char *path)
{
    bool allowed = !policy;
    for (size_t i = 0; policy && i < policy->n_allow; i++) {
        const Trireme__Allow *allow = policy->allow[i];
        if (!message_path_match(allow->path, path))
            continue;
        allowed = true;
        if (has_min(allow))
            *min = fmax(*min, allow->min);
        if (has_max(allow))
            *max = fmin(*max, allow->max);
    }
    return allowed;
}
