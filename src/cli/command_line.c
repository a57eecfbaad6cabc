/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_line.h"

#include "base/arguments.h"
#include "base/utf8.h"
#include "cli/terminal.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char introduction[] =
    "Usage: mpirun -np RANKS cnnmpi JOB.yaml [OPTION]...\n"
    "       cnnmpi COMMAND FILE... [OPTION]...\n"
    "\n"
    "Trains the cells of a job repeatedly, each rank on a device of its own, and reports how much of\n"
    "the spread in training time and accuracy is due to the framework and how much to the machine.\n"
    "\n"
    "Commands:\n"
    "  plan JOB.yaml           cells with parameter counts, blocks, order and balance; trains "
    "nothing\n"
    "  data JOB.yaml           what was found of each data set, and how to get what is missing\n"
    "  report RESULTS.h5       the analysis, from the results file alone, complete or not; "
    "several\n"
    "                          files of one plan are pooled\n"
    "  report --published      the published study, judged from its own tables\n"
    "  compare BEFORE.h5 AFTER.h5   whether the same cells changed between two results files (a driver, a\n"
    "                          library, a machine), measured against a level that did not (--control)\n"
    "  status RESULTS.h5       while a job runs or after: done, failed, left, by device; time "
    "left;\n"
    "                          reasons of failures; --watch redraws it\n"
    "  check-trainer -- COMMAND...   runs a trainer on small networks and data, and judges it by "
    "the run\n"
    "                          protocol and by a reference in double precision\n"
    "  doctor [JOB.yaml]       what may disturb measurements on the hosts of all ranks, and how to mend "
    "it\n"
    "  help, version\n";

static const char ending[] =
    "    130, 143  stopped by SIGINT, SIGTERM\n"
    "\n"
    "Environment: CNNMPI_DATA (folders of data sets), CNNMPI_TRAINERS (folders of trainer "
    "programs).\n";

#define RUN     (1u << CNN_COMMAND_RUN)
#define PLAN    (1u << CNN_COMMAND_PLAN)
#define DATA    (1u << CNN_COMMAND_DATA)
#define REPORT  (1u << CNN_COMMAND_REPORT)
#define COMPARE (1u << CNN_COMMAND_COMPARE)
#define STATUS  (1u << CNN_COMMAND_STATUS)
#define CHECK   (1u << CNN_COMMAND_CHECK_TRAINER)
#define DOCTOR  (1u << CNN_COMMAND_DOCTOR)
#define ALL     (RUN | PLAN | DATA | REPORT | COMPARE | STATUS | CHECK | DOCTOR)

/* X(name, letter, value, commands that it means something to, help) */
#define OPTIONS_OF_JOBS(X)                                                                         \
    X("--output", 'o', "FILE", RUN | PLAN | DATA | REPORT | COMPARE,                               \
      "results file (default: the job's `output`, or JOB.h5)")                                     \
    X("--resume", 0, NULL, RUN, "continue an unfinished results file; finished runs are kept")     \
    X("--force", 0, NULL, RUN | REPORT | COMPARE, "replace an existing results file")              \
    X("--set", 0, "KEY=VALUE", RUN | PLAN | DATA | DOCTOR,                                         \
      "override any key of the job: --set train.epochs=2 (repeatable); a key that holds a dot is " \
      "quoted: --set 'datasets.\"scans 1.1\".layout=nchw'")                                        \
    X("--progress", 0, "HOW", RUN,                                                                 \
      "auto (default), live (a few lines that change), plain (time-stamped lines)")                \
    X("--quiet", 'q', NULL, RUN, "no progress and no tables")                                      \
    X("--ranks", 0, "N", PLAN | DOCTOR, "plan, doctor: for how many ranks (default 1)")            \
    X("--from", 0, "RESULTS.h5", PLAN,                                                             \
      "plan: time and detectable differences, by the runs of an earlier job")                      \
    X("--watch", 0, NULL, STATUS, "status: a screen that redraws, until the job ends")             \
    X("--help", 'h', NULL, ALL, NULL)                                                              \
    X("--version", 0, NULL, ALL, NULL)

#define OPTIONS_OF_REPORT(X)                                                                       \
    X("--full", 0, NULL, REPORT | COMPARE, "every table, not only cells and verdicts")             \
    X("--format", 0, "HOW", REPORT | COMPARE,                                                      \
      "text (default), csv, latex, json, markdown, html (of report: one page with figures)")       \
    X("--table", 0, "NAME", REPORT | COMPARE,                                                      \
      "one table alone; docs/analysis.md lists their names")                                       \
    X("--figures", 0, "FOLDER", REPORT,                                                            \
      "writes each figure there as SVG and PDF, with its gnuplot script and data")                 \
    X("--runs", 0, NULL, REPORT, "the runs themselves, all columns, as CSV")                       \
    X("--attempts", 0, NULL, REPORT, "every attempt, also superseded and failed ones, as CSV")     \
    X("--status", 0, NULL, REPORT, "print nothing; exit status 0 when complete, 75 when not")      \
    X("--published", 0, NULL, REPORT, NULL)

#define OPTIONS_OF_COMPARE(X)                                                                      \
    X("--control", 0, "LEVEL", COMPARE,                                                            \
      "level of the contrast with the same program, libraries, driver and devices in both files: " \
      "the yardstick")                                                                             \
    X("--fail-on", 0, "slower:P%", COMPARE,                                                        \
      "exit status 4 if a cell is slower by more than P %, 0 if none is, 5 if that cannot be "     \
      "told; needs --control")                                                                     \
    X("--undecided", 0, "fail|pass", COMPARE, "pass: 0 in place of 5; default fail")

#define OPTIONS_OF_CHECK_TRAINER(X)                                                                \
    X("--json", 0, NULL, CHECK, "one JSON object instead of a table")                              \
    X("--path", 0, "native|layered", CHECK,                                                        \
      "the specifications' path, which means nothing to most trainers; default native")            \
    X("--mode", 0, "M", CHECK, "how to train, for trainers with several modes")                    \
    X("--backend", 0, "B", CHECK, "the library to compute with, for trainers with a choice")       \
    X("--nondeterministic", 0, NULL, CHECK,                                                        \
      "asks for no determinism; checksums of repeated runs are not compared")                      \
    X("--timeout", 0, "SECONDS", CHECK, "a run without an event for so long is ended; default 300")

#define OPTION(name, letter, value, commands, help)   {name, letter, value, help},
#define COMMANDS(name, letter, value, commands, help) commands,
static const cnn_option options[] = {OPTIONS_OF_JOBS(OPTION) OPTIONS_OF_REPORT(
    OPTION) OPTIONS_OF_COMPARE(OPTION) OPTIONS_OF_CHECK_TRAINER(OPTION){0}};
static const cnn_option job_options[] = {OPTIONS_OF_JOBS(OPTION){0}};
static const cnn_option report_options[] = {
    OPTIONS_OF_REPORT(OPTION){"--output", 'o', "FILE",
                              "instead of standard output; all tables as CSV need a folder: a file "
                              "for each. Files that are there stay, unless --force is given"},
    {0}};
static const cnn_option compare_options[] = {OPTIONS_OF_COMPARE(OPTION){0}};
static const cnn_option check_trainer_options[] = {OPTIONS_OF_CHECK_TRAINER(OPTION){0}};
static const unsigned option_commands[] = {OPTIONS_OF_JOBS(COMMANDS) OPTIONS_OF_REPORT(
    COMMANDS) OPTIONS_OF_COMPARE(COMMANDS) OPTIONS_OF_CHECK_TRAINER(COMMANDS)};

static const char *const command_names[] = {
    "run",           "plan",   "data", "report",  "compare", "status",
    "check-trainer", "doctor", "help", "version", NULL};
/* By cnn_progress_mode, but for the quiet one. */
static const char *const progress_names[] = {"auto", "live", "plain", NULL};

/** The folder of the documents: of the installation, or of the source tree of a build. */
static void put_documents(cnn_text *out)
{
    static const char *const places[] = {"../share/doc/cnnmpi/docs", "../docs"};
    char program[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return;
    program[n] = '\0';
    char *name = strrchr(program, '/');
    for (size_t i = 0; name && i < sizeof places / sizeof *places; i++) {
        char *path = cnn_asprintf("%.*s/%s", (int)(name - program), program, places[i]);
        char *real = path ? realpath(path, NULL) : NULL;
        if (real)
            cnn_text_printf(out, "\nDocuments: %s\n", real);
        free(path);
        if (real) {
            free(real);
            return;
        }
    }
}

void cnn_command_line_help(cnn_text *out)
{
    cnn_text_append(out, introduction);
    cnn_text_append(out, "\nOptions:\n");
    cnn_options_help(job_options, out);
    cnn_text_append(out, "\nOptions of report:\n");
    cnn_options_help(report_options, out);
    cnn_text_append(out,
                    "\nOptions of compare, beside --full, --format, --table, --output, --force:\n");
    cnn_options_help(compare_options, out);
    cnn_text_append(out, "\nOptions of check-trainer, before --:\n");
    cnn_options_help(check_trainer_options, out);
    cnn_text_append(out, "\nExit status:\n");
#define STATUS_LINE(name, value, meaning) cnn_text_printf(out, "    %-9d %s\n", value, meaning);
    CNN_EXIT_STATUSES(STATUS_LINE)
    cnn_text_append(out, ending);
    put_documents(out);
}

static int index_in(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

/** The index of a word among names, for an option whose values they are. */
static cnn_status choose(const char *option, const char *word, const char *const *names, int *out)
{
    cnn_status st = CNN_OK;
    const int i = index_in(names, word);
    const char *close = cnn_suggest(word, names);
    cnn_text all = {0};
    for (int n = 0; names[n]; n++)
        cnn_text_printf(&all, "%s%s", n == 0 ? "" : names[n + 1] ? ", " : " or ", names[n]);
    CNN_TRY(cnn_text_status(&all));
    CNN_CHECK(i >= 0, CNN_EUSAGE, "%s %s: %s%s%s%s", option, word, all.s,
              close ? "; did you mean " : "", close ? close : "", close ? "?" : "");
    *out = i;
done:
    cnn_text_free(&all);
    return st;
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
    const size_t n = strlen(line->output);
    CNN_CHECK(line->output[n - 1] != '/', CNN_EUSAGE,
              "--output %s: this is a folder; give the name of a file in it", line->output);
    cnn_text_append(&quoted, "output=");
    cnn_text_append_json(&quoted, line->output); /* a JSON string is a YAML scalar */
    CNN_CHECK((text = cnn_text_take(&quoted)) != NULL, CNN_ENOMEM, "command line");
    CNN_TRY(add_override(line, text));
done:
    cnn_text_free(&quoted);
    free(text);
    return st;
}

/** Where a switch of the command line is kept; NULL: the option is no switch. */
static bool *switch_of(cnn_command_line *line, const char *name)
{
    const struct {
        const char *name;
        bool *on;
    } switches[] = {
        {"--resume", &line->resume},
        {"--force", &line->force},
        {"--quiet", &line->quiet},
        {"--watch", &line->watch},
        {"--status", &line->report.status_only},
        {"--full", &line->report.full},
        {"--published", &line->report.published},
        {"--runs", &line->report.runs},
        {"--attempts", &line->report.attempts},
        {"--json", &line->check_trainer.json},
        {"--nondeterministic", &line->check_trainer.nondeterministic},
    };
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (!strcmp(switches[i].name, name))
            return switches[i].on;
    return NULL;
}

static cnn_status apply_check_trainer(cnn_check_trainer_options *o, const char *name,
                                      const char *value)
{
    cnn_status st = CNN_OK;
    if (!strcmp(name, "--path"))
        CNN_TRY(choose(name, value, cnn_path_names, &o->path));
    else if (!strcmp(name, "--mode"))
        o->mode = value;
    else if (!strcmp(name, "--backend"))
        o->backend = value;
    else if (!strcmp(name, "--timeout"))
        CNN_CHECK(cnn_parse_real(value, &o->timeout) && o->timeout > 0 && o->timeout <= 1e6,
                  CNN_EUSAGE, "--timeout %s: seconds, from above 0 to 1000000", value);
done:
    return st;
}

/** "slower:3%": a limit above 0. */
static cnn_status apply_limit(cnn_compare_options *o, const char *value)
{
    cnn_status st = CNN_OK;
    static const char start[] = "slower:";
    char number[32];
    const size_t n = strlen(value), before = sizeof start - 1;
    double percent = NAN;
    const bool formed = !strncmp(value, start, before) && n > before + 1 && value[n - 1] == '%' &&
                        n - before - 1 < sizeof number;
    if (formed) {
        memcpy(number, value + before, n - before - 1);
        number[n - before - 1] = '\0';
    }
    CNN_CHECK(formed && cnn_parse_real(number, &percent) && percent > 0 && percent <= 1000,
              CNN_EUSAGE,
              "--fail-on %s: expected slower:P%%, with P from above 0 to 1000, as in "
              "slower:3%%",
              value);
    o->slower = percent / 100;
done:
    return st;
}

static cnn_status apply_compare(cnn_compare_options *o, const char *name, const char *value)
{
    static const char *const undecided[] = {"fail", "pass", NULL};
    cnn_status st = CNN_OK;
    int chosen = 0;
    if (!strcmp(name, "--control")) {
        CNN_CHECK(*value, CNN_EUSAGE, "--control needs a level of the contrast");
        o->control = value;
    } else if (!strcmp(name, "--fail-on")) {
        CNN_TRY(apply_limit(o, value));
    } else {
        CNN_TRY(choose(name, value, undecided, &chosen));
        o->pass_undecided = chosen;
    }
done:
    return st;
}

/** One option with its value, if it takes one. */
static cnn_status apply_option(cnn_command_line *line, const char *name, const char *value)
{
    cnn_status st = CNN_OK;
    int64_t n;
    int chosen = 0;
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
    } else if (!strcmp(name, "--figures")) {
        CNN_CHECK(*value, CNN_EUSAGE, "--figures needs the name of a folder");
        line->report.figures = value;
    } else if (!strcmp(name, "--format")) {
        CNN_TRY(choose(name, value, cnn_report_format_names, &chosen));
        line->report.format = (cnn_report_format)chosen;
        line->report.has_format = true;
    } else if (!strcmp(name, "--progress")) {
        CNN_TRY(choose(name, value, progress_names, &chosen));
        line->progress = (cnn_progress_mode)chosen;
    } else if (!strcmp(name, "--ranks")) {
        CNN_CHECK(cnn_parse_int(value, &n) && n >= 1 && n <= 1000000, CNN_EUSAGE,
                  "--ranks %s: a number from 1 to 1000000", value);
        line->ranks = (int)n;
    } else if (!strcmp(name, "--control") || !strcmp(name, "--fail-on") ||
               !strcmp(name, "--undecided")) {
        CNN_TRY(apply_compare(&line->compare, name, value));
    } else if (!strcmp(name, "--help")) {
        line->command = CNN_COMMAND_HELP;
    } else if (!strcmp(name, "--version")) {
        line->command = CNN_COMMAND_VERSION;
    } else {
        CNN_TRY(apply_check_trainer(&line->check_trainer, name, value));
    }
done:
    return st;
}

/** An option that its command would ignore is a mistake: `--ranks 4` starts no ranks. given: bits
 *  by the place in `options`. */
static cnn_status check_options(const cnn_command_line *line, unsigned given)
{
    cnn_status st = CNN_OK;
    if (line->command == CNN_COMMAND_HELP || line->command == CNN_COMMAND_VERSION)
        return CNN_OK;
    for (int i = 0; options[i].name; i++)
        CNN_CHECK(
            !(given >> i & 1) || option_commands[i] >> line->command & 1, CNN_EUSAGE,
            "%s is not an option of `cnnmpi %s`%s", options[i].name,
            line->command == CNN_COMMAND_RUN ? "JOB.yaml" : command_names[line->command],
            strcmp(options[i].name, "--ranks") == 0
                ? ", which is for plans; to run on 4 ranks, write mpirun -np 4 cnnmpi JOB.yaml"
                : " (cnnmpi help)");
done:
    return st;
}

/** A word in the place of a job file that is no file, but much like a command. */
static cnn_status check_command(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    const char *word = line->command == CNN_COMMAND_RUN ? line->file : NULL;
    const char *close = word ? cnn_suggest(word, command_names) : NULL;
    CNN_CHECK(!close || access(word, F_OK) == 0, CNN_EUSAGE,
              "'%s' is neither a command nor a file; did you mean %s?", word, close);
done:
    return st;
}

static cnn_status add_file(cnn_command_line *line, const char *file)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(line->command != CNN_COMMAND_CHECK_TRAINER, CNN_EUSAGE,
              "'%s': the trainer's command stands behind --, as in cnnmpi check-trainer -- python3 "
              "trainer.py",
              file);
    CNN_TRY(check_command(line));
    CNN_CHECK(line->file_count == 0 || line->command == CNN_COMMAND_REPORT ||
                  line->command == CNN_COMMAND_COMPARE,
              CNN_EUSAGE, "'%s' after '%s': one file at a time", file, line->file);
    CNN_CHECK(line->file_count < 2 || line->command != CNN_COMMAND_COMPARE, CNN_EUSAGE,
              "'%s' after '%s' and '%s': compare takes two files, before and after", file,
              line->files[0], line->files[1]);
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
              "--published judges the study's own tables and takes no file: leave out '%s'",
              line->file);
    CNN_CHECK(!r->runs || !r->attempts, CNN_EUSAGE,
              "--runs and --attempts are different tables: choose one");
    CNN_CHECK(!(r->runs || r->attempts) || !(r->published || r->table || r->status_only || r->full),
              CNN_EUSAGE, "%s writes the rows of results files: it takes --output and --force only",
              rows);
    CNN_CHECK(!(r->runs || r->attempts) || !r->has_format || r->format == CNN_REPORT_CSV,
              CNN_EUSAGE, "%s writes CSV, not %s", rows, cnn_report_format_names[r->format]);
    CNN_CHECK(!(r->figures || r->format == CNN_REPORT_HTML) ||
                  !(r->published || r->table || r->runs || r->attempts || r->status_only),
              CNN_EUSAGE,
              "%s is of results files as a whole: leave out --published, --table, --runs, "
              "--attempts and --status",
              r->figures ? "--figures" : "--format html");
    CNN_CHECK(!r->status_only ||
                  !(r->published || r->table || r->full || r->has_format || line->output),
              CNN_EUSAGE, "--status prints nothing and takes no other option");
    CNN_CHECK(!r->status_only || line->file_count < 2, CNN_EUSAGE, "--status takes one file");
done:
    return st;
}

static cnn_status check_compare(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    if (line->command != CNN_COMMAND_COMPARE)
        return CNN_OK;
    CNN_CHECK(line->file_count == 2, CNN_EUSAGE,
              "compare takes two results files: cnnmpi compare BEFORE.h5 AFTER.h5");
    CNN_CHECK(line->report.format != CNN_REPORT_HTML, CNN_EUSAGE,
              "--format html is of report; compare writes the other formats");
    CNN_CHECK(line->compare.slower <= 0 || line->compare.control, CNN_EUSAGE,
              "--fail-on needs --control LEVEL: without a level that did not change, a slower "
              "session cannot be told from a slower program");
    CNN_CHECK(!line->compare.pass_undecided || line->compare.slower > 0, CNN_EUSAGE,
              "--undecided is about the limit of --fail-on");
done:
    return st;
}

static cnn_status check_files(const cnn_command_line *line)
{
    cnn_status st = CNN_OK;
    const bool none_needed = line->command == CNN_COMMAND_HELP ||
                             line->command == CNN_COMMAND_VERSION ||
                             line->command == CNN_COMMAND_CHECK_TRAINER ||
                             line->command == CNN_COMMAND_DOCTOR || line->report.published;
    CNN_CHECK(line->command != CNN_COMMAND_CHECK_TRAINER || line->check_trainer.command, CNN_EUSAGE,
              "no trainer given: cnnmpi check-trainer -- COMMAND...");
    CNN_CHECK(line->file || none_needed, CNN_EUSAGE, "no %s file given (cnnmpi help)",
              line->command == CNN_COMMAND_REPORT || line->command == CNN_COMMAND_COMPARE ||
                      line->command == CNN_COMMAND_STATUS
                  ? "results"
                  : "job");
done:
    return st;
}

/** A word that is no option: the command, or a file. */
static cnn_status apply_word(cnn_command_line *line, const char *word, bool *command_seen)
{
    const int command = line->file || *command_seen ? -1 : index_in(command_names, word);
    if (command < 0)
        return add_file(line, word);
    *command_seen = true;
    if (line->command == CNN_COMMAND_RUN) /* --help and --version win */
        line->command = (cnn_command)command;
    return CNN_OK;
}

cnn_status cnn_command_line_parse(int argc, char **argv, cnn_command_line *out)
{
    cnn_status st = CNN_OK;
    cnn_command_line line = {.command = CNN_COMMAND_RUN,
                             .progress = CNN_PROGRESS_AUTO,
                             .ranks = 1,
                             .check_trainer = {.path = CNN_PATH_NATIVE, .timeout = 300}};
    bool command_seen = false;
    unsigned given = 0;
    for (int i = 1; i < argc;) {
        cnn_argument a;
        if (line.command == CNN_COMMAND_CHECK_TRAINER && !strcmp(argv[i], "--")) {
            line.check_trainer.command = argv[i + 1] ? argv + i + 1 : NULL;
            break;
        }
        CNN_TRY(cnn_argument_next(options, argc, argv, &i, &a));
        if (a.option) {
            given |= 1u << (a.option - options);
            CNN_TRY(apply_option(&line, a.option->name, a.text));
        } else {
            CNN_TRY(apply_word(&line, a.text, &command_seen));
        }
    }
    CNN_TRY(check_command(&line));
    CNN_TRY(check_options(&line, given));
    CNN_TRY(check_files(&line));
    CNN_TRY(check_report(&line));
    CNN_TRY(check_compare(&line));
    CNN_CHECK(!line.resume || !line.force, CNN_EUSAGE,
              "--resume keeps the results file and --force replaces it: choose one");
    if (line.quiet)
        line.progress = CNN_PROGRESS_QUIET;
    if (line.command != CNN_COMMAND_REPORT && line.command != CNN_COMMAND_COMPARE)
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
