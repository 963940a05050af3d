/* The table of commands, options and exit codes. */
#include "cli/command.h"

/* clang-format off */
const qea_command qea_commands[] = {
    {QEA_INIT, "init", qea_command_init, "[options]",
     "writes a commented configuration for a data set and a network",
     .about = "The file is what quantea run takes. A folder of images is looked into: its layout and the size of the first "
              "image.",
     .examples = "init\n"
                 "init --dataset photos --network resnet20 -o photos.yml"},
    {QEA_ESTIMATE, "estimate", qea_command_estimate, "CONFIG.yml [options]",
     "shows layers, search space, costs, memory and expected time of a run",
     .about = "Everything that a run checks before training is checked. The time comes from some seconds of training, "
              "which are thrown away; no file is left.",
     .examples = "estimate quantea.yml\n"
                 "estimate quantea.yml --workers 4",
     .kind = QEA_VALUE_CONFIG, .noun = "configuration file", .least = 1, .most = 1},
    {QEA_RUN, "run", qea_command_run, "CONFIG.yml [options] | --resume TASK",
     "searches bit widths and trains the front, as the configuration says",
     .about = "The results are in the task's folder; output/report.html shows them. After Ctrl-C, a crash, a kill or a power "
              "cut the task goes on with --resume.\n\n"
              "quantea CONFIG.yml means quantea run CONFIG.yml. quantea CONFIG.yml --resume -t TASK looks for the task where the "
              "configuration has its tasks.",
     .examples = "run quantea.yml\n"
                 "run quantea.yml --set nas.trainer.epochs=2 --workers 4 -t first\n"
                 "run --resume first",
     .kind = QEA_VALUE_CONFIG | QEA_VALUE_TASK, .noun = "configuration file", .least = 0, .most = 1},
    {QEA_PROGRESS, "progress", qea_command_progress, "TASK [options]",
     "shows how far a task is, from another terminal",
     .about = "The task may run, have ended or have been killed; it is read only, and a run is not disturbed.",
     .examples = "progress first\n"
                 "progress first --watch\n"
                 "progress first --json",
     .kind = QEA_VALUE_TASK, .noun = "task", .least = 1, .most = 1},
    {QEA_REPORT, "report", qea_command_report, "TASK",
     "writes output/report.html of a task, also of one that runs or was killed",
     .about = "The page is made anew from the task's store alone. Its path is printed.",
     .examples = "report first\n"
                 "report tasks/first",
     .kind = QEA_VALUE_TASK, .noun = "task", .least = 1, .most = 1},
    {QEA_COMPARE, "compare", qea_command_compare, "TASK TASK... [options]",
     "puts several tasks into one page and one table",
     .about = "Fronts, fully trained models, uniform baselines, budgets and hypervolumes of 2 to 8 tasks beside each other, "
              "and what differs in their configurations, versions and machines. The tasks may run, have ended or have been "
              "killed; they are read only.",
     .examples = "compare first second\n"
                 "compare tasks/first elsewhere/second -o both.html",
     .kind = QEA_VALUE_TASK, .noun = "task", .least = 2, .most = 8},
    {QEA_EVAL, "eval", qea_command_eval, "MODEL.safetensors --data FOLDER [options]",
     "prints the accuracy of a saved model, as it is quantised",
     .about = "The model's own file says which type of data set and which transforms it was trained with.",
     .examples = "eval tasks/first/output/fully_train/model_7.safetensors --data photos\n"
                 "eval model_7.safetensors --data photos --part val",
     .kind = QEA_VALUE_MODEL, .noun = "model file", .least = 1, .most = 1},
    {QEA_DOCTOR, "doctor", qea_command_doctor, "",
     "shows what this machine has: processor, kernels, workers, memory, disk, libraries, data sets",
     .examples = "doctor"},
    {QEA_WORKER, "worker", qea_command_worker, "CONFIG STEP PARENT", NULL, .noun = "word", .least = 3, .most = 3},
    {QEA_DOCUMENT, "document", qea_command_document, "FOLDER", NULL,
     .kind = QEA_VALUE_FOLDER, .noun = "folder", .least = 1, .most = 1},
};

/* What stands here is a value of the configuration, which knows what is allowed. */
#define ABOUT_A_RUN (QEA_RUN | QEA_ESTIMATE)
#define DATA_SETS "Cifar10|Cifar100|Mnist|FashionMnist|ImageFolder|Arrays"
#define UNUSED "as in the original; means nothing here"

const qea_option qea_options[] = {
    {ABOUT_A_RUN, 's', "--set", NULL, "override a key of the configuration: nas.trainer.epochs=3 (may be repeated)",
     .kind = QEA_VALUE_SETTING, .value = "KEY=VALUE"},
    {ABOUT_A_RUN, 'o', "--dataset", "-dt", "type of the data set of every step",
     .kind = QEA_VALUE_CHOICE, .value = "TYPE", .choices = DATA_SETS, .key = "*.dataset.type"},
    {ABOUT_A_RUN, 'o', "--data_path", "-dp", "where the images of every step are",
     .kind = QEA_VALUE_FOLDER, .value = "FOLDER", .key = "*.dataset.common.data_path", .literal = true},
    {ABOUT_A_RUN, 'o', "--batch_size", "-bs", "images per training batch in every step",
     .kind = QEA_VALUE_NUMBER, .value = "N", .key = "*.dataset.train.batch_size"},
    {ABOUT_A_RUN, 'o', "--epochs", "-es", "epochs in every step",
     .kind = QEA_VALUE_NUMBER, .value = "N", .key = "*.trainer.epochs"},
    {ABOUT_A_RUN, 'o', "--workers", NULL, "worker processes; auto: one per usable processor",
     .kind = QEA_VALUE_NUMBER | QEA_VALUE_CHOICE, .value = "N", .choices = "auto", .key = "general.workers"},
    {ABOUT_A_RUN, 'o', "--parallel_search", "-ps", UNUSED " (see --workers)",
     .kind = QEA_VALUE_CHOICE, .value = "BOOL", .choices = "true|false", .key = "general.parallel_search"},
    {ABOUT_A_RUN, 'o', "--parallel_fully_train", "-pt", UNUSED " (see --workers)",
     .kind = QEA_VALUE_CHOICE, .value = "BOOL", .choices = "true|false", .key = "general.parallel_fully_train"},
    {ABOUT_A_RUN, 'o', "--backend", "-b", UNUSED,
     .kind = QEA_VALUE_TEXT, .value = "NAME", .key = "general.backend"},
    {ABOUT_A_RUN, 'o', "--device_category", "-d", UNUSED,
     .kind = QEA_VALUE_TEXT, .value = "NAME", .key = "general.device_category"},

    {QEA_RUN, 'r', "--resume", "-r", "go on with the task named by -t or given as argument, a folder or a name",
     .kind = QEA_VALUE_NONE},
    {QEA_RUN, 't', "--task_id", "-t", "name of the task, a folder under general.task.local_base_path (./tasks)",
     .kind = QEA_VALUE_TASK, .value = "TASK"},
    {QEA_RUN, 'f', "--force", NULL, "resume although the machine or a library differs from the task's",
     .kind = QEA_VALUE_NONE},
    {QEA_RUN | QEA_PROGRESS, 'j', "--json", NULL, "events as JSON on stdout, one a line (docs/events.md), and nothing else there",
     .kind = QEA_VALUE_NONE},
    {QEA_RUN, 'b', "--tensorboard", NULL, "event files for TensorBoard: under FOLDER/TASK, or in the task's output/tensorboard",
     .kind = QEA_VALUE_FOLDER, .value = "FOLDER", .optional = true},
    {QEA_RUN, 'q', "--quiet", NULL, "no progress; warnings, errors and the table only",
     .kind = QEA_VALUE_NONE},
    {QEA_RUN, 'v', "--verbose", NULL, "a line for every trial, with its bits",
     .kind = QEA_VALUE_NONE},
    {QEA_PROGRESS, 'w', "--watch", NULL, "go on until the task has ended",
     .kind = QEA_VALUE_NONE},

    {QEA_INIT, 'd', "--dataset", "-dt", "type of the data set, or a folder of images",
     .kind = QEA_VALUE_CHOICE | QEA_VALUE_FOLDER, .value = "TYPE|FOLDER", .choices = DATA_SETS, .fallback = "FashionMnist"},
    {QEA_INIT, 'p', "--data_path", "-dp", "where the images of a type are; the usual place if not given",
     .kind = QEA_VALUE_FOLDER, .value = "FOLDER"},
    {QEA_INIT, 'n', "--network", NULL, "the network",
     .kind = QEA_VALUE_CHOICE, .value = "NAME", .choices = "resnet8|resnet14|resnet20|resnet32|resnet18|resnet34|resnet50",
     .fallback = "resnet20"},
    {QEA_INIT, 'o', "--output", "-o", "the file to write",
     .kind = QEA_VALUE_FILE, .value = "FILE", .fallback = "quantea.yml"},
    {QEA_INIT, 'f', "--force", NULL, "replace the file if it exists",
     .kind = QEA_VALUE_NONE},

    {QEA_COMPARE, 'o', "--output", "-o", "the page to write",
     .kind = QEA_VALUE_FILE, .value = "FILE", .fallback = "comparison.html"},

    {QEA_EVAL, 'p', "--data", "-dp", "where the images are (needed)",
     .kind = QEA_VALUE_FOLDER, .value = "FOLDER"},
    {QEA_EVAL, 'd', "--dataset", "-dt", "type of the data set; that of the training if not given",
     .kind = QEA_VALUE_CHOICE, .value = "TYPE", .choices = DATA_SETS},
    {QEA_EVAL, 'P', "--part", NULL, "the part of the data set",
     .kind = QEA_VALUE_CHOICE, .value = "PART", .choices = "train|val|test", .fallback = "test"},
    {QEA_EVAL, 'n', "--images", NULL, "at most the first N images",
     .kind = QEA_VALUE_NUMBER, .value = "N", .low = 1, .high = 1000000000},
    {QEA_EVAL, 'b', "--batch_size", "-bs", "images per batch",
     .kind = QEA_VALUE_NUMBER, .value = "N", .low = 1, .high = 65536, .fallback = "256"},
    {QEA_EVAL, 't', "--threads", NULL, "threads; one per usable processor if not given",
     .kind = QEA_VALUE_NUMBER, .value = "N", .low = 1, .high = 1024},
    {QEA_EVAL, 'i', "--isa", NULL, "highest instruction set; ref: plain C",
     .kind = QEA_VALUE_CHOICE, .value = "NAME", .choices = "auto|avx512|avx2|sse2|ref", .fallback = "auto"},
    {QEA_EVAL, 'x', "--precision", NULL, "numbers inside convolutions",
     .kind = QEA_VALUE_CHOICE, .value = "NAME", .choices = "auto|f32|bf16", .fallback = "auto"},

    {QEA_EVERY_COMMAND | QEA_ITSELF, 'h', "--help", "-h", "show this help",
     .kind = QEA_VALUE_NONE},
    {QEA_ITSELF, 'v', "--version", NULL, "print the version",
     .kind = QEA_VALUE_NONE},
};

const qea_exit_code qea_exit_codes[] = {
    {0, QEA_OK, "done"},
    {QEA_EXIT_USAGE, QEA_ERR_CONFIG, "an argument or the configuration is wrong"},
    {3, QEA_ERR_DATA, "a data or model file is missing or malformed"},
    {4, QEA_ERR_IO, "the system refused a read or a write: no space, no permission"},
    {5, QEA_ERR_MEMORY, "not enough memory"},
    {6, QEA_ERR_STATE, "the task or file exists, or the task is in use, or of another version or machine"},
    {7, QEA_ERR_UNSUPPORTED, "not supported by this build or processor"},
    {8, QEA_ERR_DIVERGED, "the loss became NaN or infinite"},
    {130, QEA_ERR_INTERRUPTED, "interrupted; a task can be resumed"},
};

const qea_variable qea_variables[] = {
    {"QEA_CIFAR10", "folder where doctor and init look for CIFAR-10"},
    {"QEA_FASHION_MNIST", "folder where doctor and init look for Fashion-MNIST (/usr/share/datasets/fashion-mnist)"},
    {"QEA_IMAGES", "folder of images that doctor and init look into"},
};
/* clang-format on */

const size_t qea_num_commands = sizeof qea_commands / sizeof *qea_commands;
const size_t qea_num_options = sizeof qea_options / sizeof *qea_options;
const size_t qea_num_exit_codes = sizeof qea_exit_codes / sizeof *qea_exit_codes;
const size_t qea_num_variables = sizeof qea_variables / sizeof *qea_variables;
