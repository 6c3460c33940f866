/* One field of a message in memory: the one place that knows how protobuf-c lays messages out.
 *
 * A singular field is its member, and a has_ flag at quantifier_offset where it is an optional
 * number, bool or enum. A repeated field is a pointer to its elements, and their count at
 * quantifier_offset. Elements of a list are counted from 0; a singular field has element 0. Inside
 * proto/schema only; ours are messages of message.h, which own all that they point to. Local. */
#pragma once
#include "proto/schema/walk.h"

bool field_is_list(const ProtobufCFieldDescriptor *field);

/* Elements of a list; of a singular field 1 where it is set (see walk.h), else 0. */
size_t field_count(const void *message, const ProtobufCFieldDescriptor *field);

/* Whether there is a value to tell: set, or a default is declared. False for a NULL submessage. Of
 * singular fields.
 */
bool field_has_value(const void *message, const ProtobufCFieldDescriptor *field);

/* Whether the value is the declared default. Of singular scalars. */
bool field_is_default(const void *message, const ProtobufCFieldDescriptor *field);

/* The value of an element: of one that is not set, its default. Text is borrowed from the message.
 * The name of an enum number that the schema does not know is NULL. */
struct scalar field_scalar(const void *message, const ProtobufCFieldDescriptor *field, size_t i);
ProtobufCMessage *field_message(const void *message, const ProtobufCFieldDescriptor *field,
                                size_t i);

/* Whether an element is the same in two messages, to the last bit; both have it. Of scalars. */
bool field_equal(const void *a, const void *b, const ProtobufCFieldDescriptor *field, size_t i);

/* Sets an element that exists; text is copied. The value is of the field's kind and range; no
 * bytes. */
void field_set(void *message, const ProtobufCFieldDescriptor *field, size_t i, struct scalar value);

/* Notes whether a singular field is set, where it has a flag for that. */
void field_set_flag(void *message, const ProtobufCFieldDescriptor *field, bool is_set);

/* Gives a list n elements: those that are new are 0 or NULL, those that go are not freed. */
void field_resize(void *message, const ProtobufCFieldDescriptor *field, size_t n);

/* Where an element stands, how many bytes it takes, and whether it is a pointer to what the message
 * owns (text, a message). For the file that owns memory: message.c. */
void *field_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i);
size_t field_element_size(const ProtobufCFieldDescriptor *field);
bool field_is_pointer(const ProtobufCFieldDescriptor *field);
