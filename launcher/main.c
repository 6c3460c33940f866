/* The command line: a loop over the table of commands. */
#include "base/version.h"
#include "launcher/commands/command.h"
#include "launcher/environment.h"
#include "launcher/front/held_signals.h"
#include "launcher/job/job.h"
#include "proto/schema/message.h"
#include "proto/schema/option.h"
#include "proto/schema/utf8.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(FILE *out, const char *group)
{
    fprintf(out, "usage: trireme %s%sCOMMAND [OPTION]...\n\ncommands:\n", group ? group : "",
            group ? " " : "");
    for (size_t i = 0; i < n_commands; i++)
        if (!group || !strncmp(commands[i].name, group, strlen(group)))
            fprintf(out, "  %-18s %s\n", commands[i].name, message_comment(commands[i].request));
    fprintf(out, "\n`trireme COMMAND --help` lists a command's options; --json prints its reply as "
                 "one line of JSON.\n");
}

/* How many words of a command's name the arguments begin with; 0: it is another command. */
static int words_matched(const struct command *command, int n, char **words)
{
    char name[64];
    snprintf(name, sizeof name, "%s", command->name);
    int matched = 0;
    for (char *rest = NULL, *word = strtok_r(name, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest))
        if (matched >= n || strcmp(words[matched++], word))
            return 0;
    return matched;
}

static const struct command *find(int n, char **words, int *n_words)
{
    for (size_t i = 0; i < n_commands; i++)
        if ((*n_words = words_matched(&commands[i], n, words)))
            return &commands[i];
    return NULL;
}

/* Whether a word begins the names of several commands ("ckpt"). */
static bool is_group(const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < n_commands; i++)
        if (!strncmp(commands[i].name, word, length) && commands[i].name[length] == ' ')
            return true;
    return false;
}

/* Takes --json out of the arguments. */
static bool take_json(int *n, char **words)
{
    int kept = 0;
    bool json = false, options = true;
    for (int i = 0; i < *n; i++) {
        options = options && strcmp(words[i], "--");
        if (options && !strcmp(words[i], "--json"))
            json = true;
        else
            words[kept++] = words[i];
    }
    *n = kept;
    return json;
}

static void print_reply(const struct command *command, const void *reply, bool json)
{
    if (!json && command->print) {
        command->print(reply);
        return;
    }
    char *text = json ? json_write(reply) : yaml_write(reply, false);
    printf("%s%s", text, json ? "\n" : "");
    free(text);
}

/* In a job rank 0 speaks for the ranks that do a command's work together. Any other command is
 * this process's alone, wherever it runs. */
static bool is_heard(const struct command *command)
{
    return command->kind != COMMAND_OF_RANKS || environment_rank() == 0;
}

static int run(const struct command *command, int n, char **words, struct err *err)
{
    bool json = take_json(&n, words), help = false;
    const bool ranks = command->kind == COMMAND_OF_RANKS && environment_in_job(),
               speaks = is_heard(command);
    void *request = message_new(command->request), *reply = message_new(command->reply);
    int rc = options_read(request, n, words, &help, err);
    if (rc == 0 && help && speaks) {
        char *full = NULL;
        if (asprintf(&full, "trireme %s", command->name) > 0) {
            char *text = options_help(full, command->request);
            fputs(text, stdout);
            free(text);
            free(full);
        }
    } else if (rc == 0 && !help) {
        const bool live = command->speak && speaks && !json;
        rc = live ? command->speak(request, err) : command->run(request, reply, err);
        if ((rc == 0 || command->kind == COMMAND_REPORTS) && speaks && !live)
            print_reply(command, reply, json);
    } else if (rc < 0 && ranks) {
        rc = job_refuse(command->name, err);
    }
    message_free(reply);
    message_free(request);
    return rc;
}

static int usage_error(int n, char **words)
{
    bool group = n && is_group(words[0]);
    if (n &&
        (!strcmp(words[0], "--help") || !strcmp(words[0], "-h") || !strcmp(words[0], "help"))) {
        print_usage(stdout, NULL);
        return 0;
    }
    if (n && !strcmp(words[0], "--version")) {
        printf("trireme " TRIREME_VERSION "\n");
        return 0;
    }
    if (group && n > 1 && (!strcmp(words[1], "--help") || !strcmp(words[1], "-h"))) {
        print_usage(stdout, words[0]);
        return 0;
    }
    if (n && !group)
        fprintf(stderr, "trireme: found no command '%s'\n", words[0]);
    else if (n > 1)
        fprintf(stderr, "trireme: found no command '%s %s'\n", words[0], words[1]);
    print_usage(stderr, group ? words[0] : NULL);
    return ERR_USAGE;
}

/* Puts the word that a command has now in the place of one that it had. */
static void resolve_alias(char **word)
{
    for (size_t i = 0; i < n_command_aliases; i++)
        if (!strcmp(*word, command_aliases[i].word))
            *word = (char *)command_aliases[i].means;
}

int main(int n_arguments, char **arguments)
{
    held_signals_hold(); // where the front has not
    int n = n_arguments - 1, n_words = 0;
    char **words = arguments + 1;
    if (n)
        resolve_alias(&words[0]);
    const struct command *command = find(n, words, &n_words);
    if (!command || command->kind != COMMAND_OF_RANKS)
        held_signals_release();
    if (!command)
        return usage_error(n, words);
    struct err err = {0};
    if (run(command, n - n_words, words + n_words, &err) == 0)
        return 0;
    if (!is_heard(command))
        return 0; // a code of its own would have mpirun end the job before rank 0 has said why
    char *text = utf8_shown(err.text); // others' texts may be in it
    if (text[0])
        fprintf(stderr, "trireme: %s\n", text);
    free(text);
    fflush(stdout);
    return err.code;
}
