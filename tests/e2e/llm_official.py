"""Run by a Python with the official clients (llm_packages.py): reads {"api", "url", "key", "body",
"replies"} as JSON on stdin. Holds the body of a request against the client's own types, and replies
against its own, makes the same call by the client, and prints what is wrong, or nothing."""
import json
import sys
import typing

from pydantic import TypeAdapter

ANTHROPIC_STOPS = {
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal",
    "model_context_window_exceeded"
}
OPENAI_STOPS = {"stop", "length", "tool_calls", "content_filter", "function_call"}


def plain(value):
    """Without the iterators that lists are read into."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return [plain(inner) for inner in value]


def check(what, found, expected):
    if found != expected:
        print("%s: found %r, expected %r" % (what, found, expected))


def check_types(params, reply_type, asked):
    # a key that the type does not have is left out by its reader
    check("the body by the client's types",
          plain(TypeAdapter(params).validate_python(asked["body"])), asked["body"])
    for reply in asked["replies"]:
        reply_type.model_validate(reply)


def main():
    asked = json.load(sys.stdin)
    if asked["api"] == "anthropic":
        import anthropic
        from anthropic.types import Message, StopReason, message_create_params
        check_types(message_create_params.MessageCreateParamsNonStreaming, Message, asked)
        check("stop reasons", set(typing.get_args(StopReason)), ANTHROPIC_STOPS)
        root = asked["url"][:-len("/v1")]
        client = anthropic.Anthropic(api_key=asked["key"], base_url=root, max_retries=0)
        client.messages.create(**asked["body"])
    else:
        import openai
        from openai.types.chat import ChatCompletion, chat_completion, completion_create_params
        check_types(completion_create_params.CompletionCreateParamsNonStreaming, ChatCompletion,
                    asked)
        reasons = chat_completion.Choice.model_fields["finish_reason"].annotation
        check("finish reasons", set(typing.get_args(reasons)), OPENAI_STOPS)
        client = openai.OpenAI(api_key=asked["key"], base_url=asked["url"], max_retries=0)
        client.chat.completions.create(**asked["body"])


main()
