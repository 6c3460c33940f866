/* Notes, written as YAML for the eye. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "coordinator/memory/memory.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

/* The caller's, who frees it by message_free. */
static inline Trireme__MemoryNote *note_fixture(const char *yaml)
{
    struct err err = {.text = ""};
    Trireme__MemoryNote *note = message_new(&trireme__memory_note__descriptor);
    if (yaml_read(note, yaml, strlen(yaml), "note", ERR_USAGE, &err) < 0)
        fail_msg("%s in %s", err.text, yaml);
    return note;
}

/* The file FOLDER/notes.sqlite; skips the test in a build without SQLite. */
static inline struct memory *memory_fixture(const char *folder, enum memory_use use)
{
    struct err err = {.text = ""};
    if (memory_is_there(&err) < 0) {
        print_message("skipped: %s\n", err.text);
        skip();
    }
    char *path = file_join(folder, "notes.sqlite");
    struct memory *memory = memory_open(path, use, MEMORY_WAIT_MS, &err);
    free(path);
    if (!memory)
        fail_msg("%s", err.text);
    return memory;
}

/* Adds a note, and returns its number. */
static inline uint64_t memory_fixture_add(struct memory *memory, const char *once, const char *yaml)
{
    struct err err = {.text = ""};
    uint64_t id = 0;
    Trireme__MemoryNote *note = note_fixture(yaml);
    if (memory_add(memory, &id, note, once, &err) < 0)
        fail_msg("%s", err.text);
    message_free(note);
    return id;
}
