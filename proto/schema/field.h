/* One field of a message in memory. Only this file knows how protobuf-c lays messages out.
 *
 * A singular field is its member, and a has_ flag at quantifier_offset where it is an optional
 * number, bool or enum. A repeated field is a pointer to its elements, and their count at
 * quantifier_offset. Elements of a list are counted from 0; a singular field has element 0. The
 * messages are those of message.h, which own all that they point to. Private to proto/schema.
 * Local. */
#pragma once
#include "proto/schema/walk.h"

bool field_is_list(const ProtobufCFieldDescriptor *field);

/* Number of elements of a list; for a singular field 1 if it is set (see walk.h), else 0. */
size_t field_count(const void *message, const ProtobufCFieldDescriptor *field);

/* Whether a singular field is set or has a declared default. False for a NULL submessage. */
bool field_has_value(const void *message, const ProtobufCFieldDescriptor *field);

/* Whether the value of a singular scalar is the declared default. */
bool field_is_default(const void *message, const ProtobufCFieldDescriptor *field);

/* Returns the value of an element; its default if it is not set. Text is borrowed from the message.
 * An enum number that the schema does not know has NULL as its name. */
struct scalar field_scalar(const void *message, const ProtobufCFieldDescriptor *field, size_t i);
ProtobufCMessage *field_message(const void *message, const ProtobufCFieldDescriptor *field,
                                size_t i);

/* Whether a scalar element has the same bits in two messages. Both messages must have it. */
bool field_equal(const void *a, const void *b, const ProtobufCFieldDescriptor *field, size_t i);

/* Sets an element that exists. Copies text. The value must have the field's kind and be in its
 * range. Not for fields of type bytes. */
void field_set(void *message, const ProtobufCFieldDescriptor *field, size_t i, struct scalar value);

/* Sets the has_ flag of a singular field, if it has one. */
void field_set_flag(void *message, const ProtobufCFieldDescriptor *field, bool is_set);

/* Resizes a list to n elements. New elements are 0 or NULL. What removed elements point to is not
 * freed. */
void field_resize(void *message, const ProtobufCFieldDescriptor *field, size_t n);

/* The address of an element, its size in bytes, and whether it is a pointer to memory that the
 * message owns (text, a message). For message.c, which makes, copies and frees that memory. */
void *field_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i);
size_t field_element_size(const ProtobufCFieldDescriptor *field);
bool field_is_pointer(const ProtobufCFieldDescriptor *field);
