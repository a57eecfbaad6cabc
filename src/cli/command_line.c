/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_line.h"

#include "base/text.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

const char cnn_command_line_help[] =
    "Usage: mpirun -np RANKS cnnmpi JOB.yaml [OPTION]...\n"
    "       cnnmpi COMMAND FILE... [OPTION]...\n"
    "\n"
    "Trains the cells of a job again and again, each rank on a device of its own, and says how "
    "much\n"
    "of the spread in training time and accuracy is the framework and how much is the machine.\n"
    "\n"
    "Commands:\n"
    "  plan JOB.yaml      cells with parameter counts, blocks, order and balance; trains nothing\n"
    "  data JOB.yaml      what was found of each data set, and how to get what is missing\n"
    "  report RESULTS.h5  the analysis, from the results file alone, complete or not; several "
    "files\n"
    "                     of one plan are pooled\n"
    "  report --published the published study, judged from its own tables\n"
    "  status RESULTS.h5  while a job runs or after: done, failed, left, by device; time left; "
    "reasons\n"
    "  help, version\n"
    "\n"
    "Options:\n"
    "  --output FILE      results file (default: the job's `output`, or JOB.h5)\n"
    "  --resume           go on with an unfinished results file: finished runs are kept\n"
    "  --force            replace an existing results file\n"
    "  --set KEY=VALUE    override any key of the job: --set train.epochs=2 (repeatable)\n"
    "  --progress HOW     auto (default), live (one line that changes), plain (time-stamped "
    "lines)\n"
    "  --quiet            no progress and no tables\n"
    "  --ranks N          plan: for how many ranks (default 1)\n"
    "  --from RESULTS.h5  plan: time and detectable differences, by the runs of an earlier job\n"
    "\n"
    "Options of report:\n"
    "  --full             every table, not only the most important ones\n"
    "  --format HOW       text (default), csv, latex\n"
    "  --table NAME       one table alone; docs/analysis.md lists their names\n"
    "  --runs             the runs themselves, all columns, as CSV\n"
    "  --attempts         every attempt, the superseded and failed ones too, as CSV\n"
    "  -o, --output FILE  instead of standard output; all tables as CSV need a folder: a file for\n"
    "                     each. Files that are there stay, unless --force is given\n"
    "  --status           print nothing; exit status 0 when complete, 75 when not\n"
    "\n"
    "Exit status: 0 all runs done; 1 some failed; 2 wrong job file or usage; 3 data or "
    "environment;\n"
    "75 unfinished, go on with --resume; 130 / 143 stopped by SIGINT / SIGTERM.\n"
    "\n"
    "Environment: CNNMPI_DATA (folders of data sets), CNNMPI_TRAINERS (folders of trainer "
    "programs).\n";

#define RUN    (1u << CNN_COMMAND_RUN)
#define PLAN   (1u << CNN_COMMAND_PLAN)
#define DATA   (1u << CNN_COMMAND_DATA)
#define REPORT (1u << CNN_COMMAND_REPORT)
#define STATUS (1u << CNN_COMMAND_STATUS)
#define ALL    (RUN | PLAN | DATA | REPORT | STATUS)

/* X(name, commands that it means something to) */
#define OPTIONS(X)                                                                                 \
    X("--output", RUN | PLAN | DATA | REPORT)                                                      \
    X("--resume", RUN)                                                                             \
    X("--force", RUN | REPORT)                                                                     \
    X("--set", RUN | PLAN | DATA)                                                                  \
    X("--quiet", RUN)                                                                              \
    X("--progress", RUN)                                                                           \
    X("--ranks", PLAN)                                                                             \
    X("--from", PLAN)                                                                              \
    X("--status", REPORT)                                                                          \
    X("--full", REPORT)                                                                            \
    X("--format", REPORT)                                                                          \
    X("--table", REPORT)                                                                           \
    X("--runs", REPORT)                                                                            \
    X("--attempts", REPORT)                                                                        \
    X("--published", REPORT)                                                                       \
    X("--help", ALL)                                                                               \
    X("--version", ALL)

#define NAME(name, commands)     name,
#define COMMANDS(name, commands) commands,
static const char *const option_names[] = {OPTIONS(NAME) NULL};
static const unsigned option_commands[] = {OPTIONS(COMMANDS)};

static const char *const command_names[] = {"run",    "plan", "data",    "report",
                                            "status", "help", "version", NULL};
static const char *const progress_names[] = {"auto", "live", "plain", NULL};
static const char *const format_names[] = {"text", "csv", "latex", NULL};

static int index_in(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

static cnn_status add_override(cnn_command_line *line, const char *text)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(strchr(text, '=') && text[0] != '=', CNN_EUSAGE,
              "--set %s: write --set KEY=VALUE, as in --set train.epochs=2", text);
    const char **more = realloc(line->overrides, (size_t)(line->override_count + 2) * sizeof *more);
    CNN_CHECK(more, CNN_ENOMEM, "command line");
    line->overrides = more;
    CNN_CHECK((more[line->override_count] = cnn_strdup(text)) != NULL, CNN_ENOMEM, "command line");
    more[++line->override_count] = NULL;
done:
    return st;
}

/** --output of a job: its key `output`. */
static cnn_status override_output(cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    char *text = NULL;
    cnn_text quoted = {0};
    if (!line->output)
        return CNN_OK;
    for (const char *s = line->output; *s; s += cnn_utf8_length(s))
        CNN_CHECK(cnn_utf8_length(s) > 0, CNN_EUSAGE,
                  "--output: the file's name is not UTF-8 text; choose another one");
    cnn_text_append(&quoted, "output=");
    cnn_text_append_json(&quoted, line->output); /* a JSON string is a YAML scalar */
    CNN_CHECK((text = cnn_text_take(&quoted)) != NULL, CNN_ENOMEM, "command line");
    CNN_TRY(add_override(line, text));
done:
    cnn_text_free(&quoted);
    free(text);
    return st;
}

/** A switch of the command line, which takes no value; NULL: no such one. */
static bool *switch_of(cnn_command_line *line, const char *name)
{
    const struct {
        const char *name;
        bool *on;
    } switches[] = {
        {"--resume", &line->resume},    {"--force", &line->force},
        {"--quiet", &line->quiet},      {"--status", &line->report.status_only},
        {"--full", &line->report.full}, {"--published", &line->report.published},
        {"--runs", &line->report.runs}, {"--attempts", &line->report.attempts},
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (!strcmp(switches[i].name, name))
            return switches[i].on;
    return NULL;
}

/** One option with its value, if it takes one. */
static cnn_status apply_option(cnn_command_line *line, const char *name, const char *value)
{
    cnn_status st = CNN_OK;
    int64_t n;
    bool *on = switch_of(line, name);
    if (on) {
        *on = true;
    } else if (!strcmp(name, "--set")) {
        CNN_TRY(add_override(line, value));
    } else if (!strcmp(name, "--output")) {
        CNN_CHECK(*value, CNN_EUSAGE, "--output needs the name of a file");
        line->output = value;
    } else if (!strcmp(name, "--from")) {
        CNN_CHECK(*value, CNN_EUSAGE, "--from needs the name of a results file");
        line->from = value;
    } else if (!strcmp(name, "--table")) {
        line->report.table = value;
    } else if (!strcmp(name, "--format")) {
        CNN_CHECK(index_in(format_names, value) >= 0, CNN_EUSAGE, "--format %s: text, csv or latex",
                  value);
        line->report.format = value;
    } else if (!strcmp(name, "--progress")) {
        CNN_CHECK(index_in(progress_names, value) >= 0, CNN_EUSAGE,
                  "--progress %s: auto, live or plain", value);
        line->progress = value;
    } else if (!strcmp(name, "--ranks")) {
        CNN_CHECK(cnn_parse_int(value, &n) && n >= 1 && n <= 1000000, CNN_EUSAGE,
                  "--ranks %s: a number from 1 to 1000000", value);
        line->ranks = (int)n;
    } else if (!strcmp(name, "--help")) {
        line->command = CNN_COMMAND_HELP;
    } else if (!strcmp(name, "--version")) {
        line->command = CNN_COMMAND_VERSION;
    }
done:
    return st;
}

static bool takes_value(const char *name)
{
    static const char *const with[] = {"--set",  "--output", "--progress", "--ranks",
                                       "--from", "--table",  "--format",   NULL};
    return index_in(with, name) >= 0;
}

/** Takes argv[*i] (and its value) as an option; both "--set x=1" and "--set=x=1" are good.
 * *given_options gets the bit of the option's place in option_names. */
static cnn_status parse_option(int argc, char **argv, int *i, cnn_command_line *line,
                               unsigned *given_options)
{
    cnn_status st = CNN_OK;
    const char *given = argv[*i], *equals = strchr(given, '=');
    char *name = !strcmp(given, "-h")   ? cnn_strdup("--help")
                 : !strcmp(given, "-q") ? cnn_strdup("--quiet")
                 : !strcmp(given, "-o") ? cnn_strdup("--output")
                 : equals               ? cnn_strndup(given, (size_t)(equals - given))
                                        : cnn_strdup(given);
    const char *value = equals ? equals + 1 : NULL;
    CNN_CHECK(name, CNN_ENOMEM, "command line");
    if (index_in(option_names, name) < 0) {
        const char *close = cnn_suggest(name, option_names);
        CNN_CHECK(false, CNN_EUSAGE, "unknown option %s%s%s%s (cnnmpi help lists them)", name,
                  close ? "; did you mean " : "", close ? close : "", close ? "?" : "");
    }
    if (takes_value(name) && !value) {
        CNN_CHECK(*i + 1 < argc, CNN_EUSAGE, "%s needs a value", name);
        value = argv[++*i];
    }
    CNN_CHECK(takes_value(name) || !value, CNN_EUSAGE, "%s takes no value", name);
    *given_options |= 1u << index_in(option_names, name);
    CNN_TRY(apply_option(line, name, value));
done:
    free(name);
    return st;
}

/** An option that its command would ignore is a mistake: `--ranks 4` starts no ranks. */
static cnn_status check_options(const cnn_command_line *line, unsigned given)
{
    cnn_status st = CNN_OK;
    if (line->command == CNN_COMMAND_HELP || line->command == CNN_COMMAND_VERSION)
        return CNN_OK;
    for (int i = 0; option_names[i]; i++)
        CNN_CHECK(!(given >> i & 1) || option_commands[i] >> line->command & 1, CNN_EUSAGE,
                  "%s means nothing to `cnnmpi %s`%s", option_names[i],
                  line->command == CNN_COMMAND_RUN ? "JOB.yaml" : command_names[line->command],
                  strcmp(option_names[i], "--ranks") == 0
                      ? ": it is for plans; to run on 4 ranks, write mpirun -np 4 cnnmpi JOB.yaml"
                      : " (cnnmpi help)");
done:
    return st;
}

static cnn_status add_file(cnn_command_line *line, const char *file)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(line->file_count == 0 || line->command == CNN_COMMAND_REPORT, CNN_EUSAGE,
              "'%s' after '%s': one file at a time", file, line->file);
    const char **more = realloc(line->files, (size_t)(line->file_count + 1) * sizeof *more);
    CNN_CHECK(more, CNN_ENOMEM, "command line");
    line->files = more;
    more[line->file_count++] = file;
    line->file = more[0];
done:
    return st;
}

/** What cannot be asked of a report at once. */
static cnn_status check_report(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    const cnn_report_options *r = &line->report;
    const char *rows = r->runs ? "--runs" : "--attempts";
    if (line->command != CNN_COMMAND_REPORT)
        return CNN_OK;
    CNN_CHECK(!r->published || line->file_count == 0, CNN_EUSAGE,
              "--published judges the study's own tables: leave '%s' away", line->file);
    CNN_CHECK(!r->runs || !r->attempts, CNN_EUSAGE,
              "--runs and --attempts are tables of their own: choose one");
    CNN_CHECK(!(r->runs || r->attempts) || !(r->published || r->table || r->status_only || r->full),
              CNN_EUSAGE, "%s writes the rows of results files: it takes --output and --force only",
              rows);
    CNN_CHECK(!(r->runs || r->attempts) || !r->format || !strcmp(r->format, "csv"), CNN_EUSAGE,
              "%s writes CSV, not %s", rows, r->format);
    CNN_CHECK(!r->status_only ||
                  !(r->published || r->table || r->full || r->format || line->output),
              CNN_EUSAGE, "--status prints nothing: it goes with no other option");
    CNN_CHECK(!r->status_only || line->file_count < 2, CNN_EUSAGE,
              "--status is about one file: ask for each");
done:
    return st;
}

static cnn_status check_files(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    const bool none_needed = line->command == CNN_COMMAND_HELP ||
                             line->command == CNN_COMMAND_VERSION || line->report.published;
    CNN_CHECK(line->file || none_needed, CNN_EUSAGE, "no %s file given (cnnmpi help)",
              line->command == CNN_COMMAND_REPORT || line->command == CNN_COMMAND_STATUS ? "results"
                                                                                         : "job");
done:
    return st;
}

cnn_status cnn_command_line_parse(int argc, char **argv, cnn_command_line *out)
{
    cnn_status st = CNN_OK;
    cnn_command_line line = {.command = CNN_COMMAND_RUN, .progress = "auto", .ranks = 1};
    bool command_seen = false;
    unsigned given = 0;
    for (int i = 1; i < argc; i++) {
        int command = line.file || command_seen ? -1 : index_in(command_names, argv[i]);
        if (argv[i][0] == '-' && argv[i][1]) {
            CNN_TRY(parse_option(argc, argv, &i, &line, &given));
        } else if (command >= 0) {
            command_seen = true;
            if (line.command == CNN_COMMAND_RUN) /* --help and --version win */
                line.command = (cnn_command)command;
        } else {
            CNN_TRY(add_file(&line, argv[i]));
        }
    }
    CNN_TRY(check_options(&line, given));
    CNN_TRY(check_files(&line));
    CNN_TRY(check_report(&line));
    CNN_CHECK(!line.resume || !line.force, CNN_EUSAGE,
              "--resume keeps the results file and --force replaces it: choose one");
    if (line.command != CNN_COMMAND_REPORT)
        CNN_TRY(override_output(&line));
    *out = line;
    line = (cnn_command_line){0};
done:
    cnn_command_line_free(&line);
    return st;
}

void cnn_command_line_free(cnn_command_line *line)
{
    for (int i = 0; i < line->override_count; i++)
        free((void *)line->overrides[i]);
    free(line->overrides);
    free(line->files);
    *line = (cnn_command_line){0};
}
