#!/bin/sh
# schema_gen_refuses.sh SCHEMA_GEN PROTOC PROTO_FOLDER PROTOBUF_INCLUDE A message, a field or an
# enum value without a comment, and what the walk does not support, fail the build with a sentence
# that names the place; the same schema with comments passes.
set -u
gen=$1 protoc=$2 protos=$3 include=$4
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

# run FIELD-LINES VALUE-COMMENT MESSAGE-COMMENT: 0 where schema_gen is content; what it says in
# $folder/said
run() {
    {
        echo 'syntax = "proto2"; package trireme; import "knob.proto";'
        printf '%s\nmessage Outer {\n' "$3"
        printf '  // Inner.\n  message Inner {\n    // An enum.\n    enum Kind {\n%s\n' "$2"
        printf '      good = 0;\n    }\n%s\n  }\n' "$1"
        printf '}\n'
    } >"$folder/small.proto"
    rm -f "$folder/out.c"
    "$protoc" --proto_path="$folder" --proto_path="$protos" --proto_path="$include" \
        --include_imports --include_source_info \
        --descriptor_set_out="$folder/small.set" "$folder/small.proto" || exit 1
    "$gen" "$folder/small.set" "$folder/out.c" 2>"$folder/said"
}

# refuses SENTENCE ...: as run, and schema_gen must fail with the sentence and write nothing
refuses() {
    sentence=$1
    shift
    if run "$@" || [ -e "$folder/out.c" ]; then
        echo "schema_gen took what it should refuse with: $sentence"
        failed=1
    elif ! grep -qF "$sentence" "$folder/said"; then
        echo "schema_gen said '$(cat "$folder/said")', expected: $sentence"
        failed=1
    fi
}

field='    // A number.
    optional uint32 n = 1 [default = 3, (knob) = {min: 1, max: 5, when: growth}];'
value='      // Good.'
message='// Outer.'
if ! run "$field" "$value" "$message" || ! grep -qF '.comment = "A number."' "$folder/out.c"; then
    echo "schema_gen refused a schema with comments: $(cat "$folder/said")"
    failed=1
fi
refuses 'small.proto: field trireme.Outer.Inner.n has no comment' \
    '    optional uint32 n = 1;' "$value" "$message"
refuses 'small.proto: field trireme.Outer.Inner.n has no comment' '    //
    optional uint32 n = 1;' "$value" "$message"
refuses 'small.proto: enum value trireme.Outer.Inner.Kind good has no comment' \
    "$field" '' "$message"
refuses 'small.proto: message trireme.Outer has no comment' "$field" "$value" ''
refuses 'field trireme.Outer.Inner.n has a default out of its bounds' '    // A number.
    optional uint32 n = 1 [default = 6, (knob).min = 1, (knob).max = 5];' "$value" "$message"
refuses 'field trireme.Outer.Inner.b is bytes with a default' '    // Bytes.
    optional bytes b = 1 [default = "x"];' "$value" "$message"
refuses 'field trireme.Outer.Inner.a is in a oneof' '    oneof which {
    // One.
    uint32 a = 1; }' "$value" "$message"
no_map='field trireme.Outer.Inner.m is a map, but no list of messages of two optional texts'
refuses "$no_map" '    // A map.
    repeated Knob m = 1 [(knob) = {map: true}];' "$value" "$message"
refuses "$no_map" '    // A map.
    repeated string m = 1 [(knob) = {map: true}];' "$value" "$message"
exit $failed
