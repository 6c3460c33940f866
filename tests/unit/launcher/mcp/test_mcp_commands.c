/* The program's own table as tools: names that clients take, and nothing of the gate's numbers for
 * whoever may not approve. */
#include "tests/unit/support.h"

#include "launcher/commands/command.h"
#include "launcher/mcp/tool.h"
#include "proto/schema/walk.h"

#include <ctype.h>

/* The public real numbers and texts of all replies below approve: a new one is private, or stands
 * here because somebody has looked at it. Whole numbers are counts; enums are outcomes. */
static const char *const looked_at[] = {
    // settings, which are in the briefing too
    "trireme.Model.*",
    "trireme.Optimizer.*",
    "trireme.Schedule.*",
    "trireme.Source.name",
    "trireme.Source.weight",
    "trireme.Wait.*",
    "trireme.Experiment.patience",
    "trireme.Experiment.hold",
    "trireme.Gate.*",
    "trireme.Rule.*",
    "trireme.Plan.margin",
    "trireme.Plan.holds_for",
    // what was proposed, and what became of it in words
    "trireme.Change.*",
    "trireme.Proposal.*",
    "trireme.ProposalRow.by",
    "trireme.ProposalRow.state",
    "trireme.ProposalRow.hypothesis",
    "trireme.ProposalsShowReply.by",
    "trireme.ProposalsShowReply.state",
    "trireme.ValueRow.*",
    "trireme.Validation.reason",
    "trireme.Record.prev",
    "trireme.Record.time",
    "trireme.Record.by",
    "trireme.Record.held_seconds",
    "trireme.Record.note",
    "trireme.Noted.*",
    "trireme.Call.*",
    // the language model that plans: its name, address and price, never its key
    "trireme.Llm.*",
    "trireme.LlmBudget.*",
    "trireme.LlmPrice.*",
    "trireme.Answer.text",
    "trireme.QueueReply.text",
    "trireme.QueueRow.state",
    "trireme.Application.pause_ms",
    "trireme.LedgerVerifyReply.head",
    "trireme.SampleReply.text",
    // the training, and the dev part of the validation text
    "trireme.Briefing.*",
    "trireme.Goal.*",
    "trireme.SourceState.*",
    "trireme.DevPoint.*",
    "trireme.CurvePoint.*",
    "trireme.RecentSteps.*",
    "trireme.Outlook.*",
    "trireme.Speed.*",
    "trireme.Budget.*",
    "trireme.Price.*",
    "trireme.RunningArm.*",
    "trireme.Since.*",
    "trireme.Turned.*",
    "trireme.Upcoming.*",
    "trireme.SourceLoss.*",
    "trireme.MayChange.*",
    "trireme.Tried.*",
    "trireme.Known.*",
    "trireme.Replacement.*",
    // what runs have left, as known.h lets planners of this run see it; gains are private
    "trireme.MemoryNote.*",
    "trireme.RunKind.*",
    "trireme.Evidence.*",
    "trireme.LossPoint.*",
    // of a dry run: sentences that propose says to planners too, and a word of the rule
    "trireme.PriceReply.text",
    "trireme.PriceReply.hindered",
    "trireme.PriceReply.on_adoption",
    "trireme.PriceReply.settled",
    "trireme.StateChange.*",
    // training losses alone, and the weights of the trunk
    "trireme.CompareReply.*",
    "trireme.DiagnoseReply.*",
    "trireme.RatePoint.*",
    "trireme.ParameterGroup.*",
};

static bool is_looked_at(const struct field_doc *doc)
{
    char name[200];
    snprintf(name, sizeof name, "%s.%s", doc->message, doc->field);
    for (size_t i = 0; i < sizeof looked_at / sizeof *looked_at; i++) {
        const size_t n = strlen(looked_at[i]);
        if (!strcmp(looked_at[i], name) ||
            (looked_at[i][n - 1] == '*' && !strncmp(looked_at[i], name, n - 1)))
            return true;
    }
    return false;
}

static void look(const ProtobufCMessageDescriptor *type, unsigned depth)
{
    for (unsigned i = 0; depth && i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const struct field_doc *doc = field_doc(type, field);
        if (doc->is_private)
            continue;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            look(field->descriptor, depth - 1);
        const bool tells =
            field->type == PROTOBUF_C_TYPE_DOUBLE || field->type == PROTOBUF_C_TYPE_FLOAT ||
            field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES;
        if (tells && !is_looked_at(doc))
            fail_msg("%s.%s is in a reply to planners: make it private in its knob, or say here "
                     "that it may be seen",
                     doc->message, doc->field);
    }
}

static void no_reply_below_approve_has_a_number_or_text_that_nobody_has_looked_at(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_commands; i++)
        if (commands[i].tool == TOOL_READ || commands[i].tool == TOOL_PROPOSE)
            look(commands[i].reply, 8);
}

static void every_tool_is_of_one_run_and_has_a_name_that_clients_take(void **state)
{
    (void)state;
    const struct mcp_server server = {commands, n_commands, "/run", TOOL_APPROVE};
    size_t n = 0;
    for (size_t i = 0; i < n_commands; i++) {
        if (commands[i].tool == TOOL_NONE)
            continue;
        assert_true(tool_is_open(&server, &commands[i]));
        assert_int_equal(commands[i].kind, COMMAND_ALONE);
        char *name = tool_name(&commands[i]);
        assert_ptr_equal(tool_find(&server, name), &commands[i]);
        for (const char *c = name; *c; c++)
            assert_true(isalnum((unsigned char)*c) || *c == '_');
        assert_true(strlen(name) <= 64);
        free(name);
        n++;
    }
    assert_true(n >= 10);
}

static void a_tool_that_is_about_what_a_client_gives_is_no_resource(void **state)
{
    (void)state;
    const struct mcp_server server = {commands, n_commands, "/run", TOOL_READ};
    const struct command *price = tool_find(&server, "price");
    assert_non_null(price);
    assert_false(tool_is_resource(&server, price));
    assert_true(tool_is_resource(&server, tool_find(&server, "briefing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_reply_below_approve_has_a_number_or_text_that_nobody_has_looked_at),
        cmocka_unit_test(a_tool_that_is_about_what_a_client_gives_is_no_resource),
        cmocka_unit_test(every_tool_is_of_one_run_and_has_a_name_that_clients_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
