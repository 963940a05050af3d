/* The mistakes that new users make, a row each: how one makes it, how the command ends, and what the message must say.
 * docs/mistakes.md is made from these rows and from what the command really prints. */
#ifndef QEA_TESTS_CLI_MISTAKES_H
#define QEA_TESTS_CLI_MISTAKES_H

enum {
    LEAVES_TASK = 1, /* found when the task has begun: its folder stays and can be resumed */
    AS_NOBODY = 2,   /* as a user who owns nothing here; what root may do proves nothing */
    ON_SMALL_DISK = 4,
    WITHOUT_AVX512 = 8, /* on a processor that lacks it */
    WHILE_IT_RUNS = 16, /* another process holds the task's lock */
    IN_SMALL_FILES = 32 /* files have a limit of some kilobytes */
};

typedef struct mistake {
    const char *name;
    const char *make;      /* shell, in a folder with config.yml, data, images, the finished task tasks/done and its
                              model.safetensors; `change FROM TO` replaces a text in config.yml; "" where the arguments are
                              the mistake */
    const char *arguments; /* of quantea */
    int code;
    const char *words; /* "a|b": each must stand in the message: place, found, allowed, suggestion */
    int flags;
} mistake;

typedef struct mistake_group {
    const char *title;
    const mistake *mistakes; /* ends with name NULL */
} mistake_group;

#define RUN "run config.yml"
#define MODEL "model.safetensors"
#define IMAGES                                                                                                         \
    "change 'type: Arrays' 'type: ImageFolder'; change 'data_path: data' 'data_path: images, test_portion: 0.2'"
#define OTHER_IMAGES                                                                                                   \
    "cp -r data other; sed -i 's/96, 8, 8, 1/96,4, 16, 1/; s/48, 8, 8, 1/48,4, 16, 1/' other/*; "                      \
    "change 'ref: nas.dataset' 'ref: nas.dataset, common: {data_path: other}'"
#define LIMITS(ranges) "change '        epochs: 1' '        epochs: 1\\n        limits: {" ranges "}'"
#define CIFAR "change 'type: Arrays' 'type: Cifar10'; change 'data_path: data' 'data_path: c'"

static const mistake wrong_files[] = {
    {"a configuration that is not there", "", "run confg.yml", 2, "confg.yml|no such file|did you mean 'config.yml'",
     0},
    {"a folder instead of a configuration", "", "run data", 2, "data|is a folder, a file is expected", 0},
    {"an empty configuration", ": >config.yml", RUN, 2, "config.yml|empty|quantea init", 0},
    {"a binary file as configuration", "head -c 400 " MODEL " >config.yml", RUN, 2, "config.yml|not a text file", 0},
    {"a configuration that may not be read", "chmod 000 config.yml", RUN, 4, "config.yml|Permission denied", AS_NOBODY},
    {0}};

static const mistake wrong_yaml[] = {
    {"a tab in the indentation", "change '    seed' '\\tseed'", RUN, 2, "config.yml:2|tab|allowed are spaces", 0},
    {"a key too far to the right", "change '        type: Arrays' '          type: Arrays'", RUN, 2,
     "config.yml:7|begins in line 5|same column", 0},
    {"a key between two columns", "change '        type: Arrays' '       type: Arrays'", RUN, 2,
     "config.yml:7|same column", 0},
    {"no colon behind a key", "change 'seed: 5' 'seed 5'", RUN, 2, "config.yml:2|general|'seed 5'|'key: value'", 0},
    {"no blank behind a colon", "change 'seed: 5' 'seed:5'", RUN, 2, "config.yml:2|general|'seed:5'|'key: value'", 0},
    {"a quote that is not closed", "change 'type: Arrays' \"type: 'Arrays\"", RUN, 2, "begins in line 6|not closed", 0},
    {"a bracket that is not closed", "change '4, 8]' '4, 8'", RUN, 2, "begins in line 19|a bracket is not closed", 0},
    {"a decimal comma", "change 'lr: 0.1' 'lr: 0,1'", RUN, 2, "config.yml:25|0.1|decimal point", 0},
    {"the same key twice", "change 'seed: 5' 'seed: 5\\n    seed: 6'", RUN, 2, "config.yml:3|'seed'|line 2", 0},
    {0}};

static const mistake wrong_keys[] = {
    {"a section misspelt", "change 'general:' 'genral:'", RUN, 2, "config.yml:1|genral|did you mean 'general'", 0},
    {"the step misspelt that others refer to", "change '^nas:' 'nsa:'", RUN, 2, "config.yml:4|nsa|did you mean 'nas'",
     0},
    {"a section within a step misspelt", "change 'search_space:' 'serach_space:'", RUN, 2,
     "config.yml:18|nas.serach_space|did you mean 'search_space'", 0},
    {"a key misspelt", "change '        epochs: 1' '        epoch: 1'", RUN, 2,
     "config.yml:22|nas.trainer.epoch|did you mean 'epochs'", 0},
    {"a key misspelt four levels deep", "change 'momentum' 'momentun'", RUN, 2,
     "config.yml:25|nas.trainer.optimizer.params.momentun|did you mean 'momentum'", 0},
    {"half a key", "change '  data_path: data' '  path: data'", RUN, 2, "config.yml:8|did you mean 'data_path'", 0},
    {"a key of the trainer in the data set", "change 'batch_size: 8' 'epochs: 3'", RUN, 2,
     "config.yml:11|nas.dataset.train.epochs|did you mean 'nas.trainer.epochs'", 0},
    {"a key of the data set in the trainer", "change '        epochs: 1' '        batch_size: 8'", RUN, 2,
     "config.yml:22|nas.trainer.batch_size|did you mean 'nas.dataset", 0},
    {"a setting of another optimiser", "change 'type: SGD' 'type: AdamW'", RUN, 2,
     "config.yml:25|momentum|AdamW has no such setting|allowed: lr, weight_decay, betas, eps", 0},
    {"a ref to nowhere", "change 'ref: nas.dataset' 'ref: nas.datset'", RUN, 2,
     "config.yml:27|fully_train.dataset.ref|did you mean 'nas.dataset'", 0},
    {"a ref to itself", "change 'ref: nas.dataset' 'ref: fully_train.dataset'", RUN, 2,
     "config.yml:27|'fully_train.dataset'|which this ref is a part of", 0},
    {"no path of the data", "change 'data_path: data' 'data_path: null'", RUN, 2, "config.yml:8|data_path: missing", 0},
    {0}};

static const mistake wrong_values[] = {
    {"a word for a number", "change '        epochs: 1' '        epochs: ten'", RUN, 2,
     "config.yml:22|nas.trainer.epochs|found 'ten'|an integer from 1", 0},
    {"a fraction for a whole number", "change '        epochs: 1' '        epochs: 1.5'", RUN, 2,
     "found '1.5'|an integer", 0},
    {"a list for one value", "change '        epochs: 1' '        epochs: [1, 2]'", RUN, 2,
     "found a list of 2|an integer", 0},
    {"zero epochs", "change '        epochs: 1' '        epochs: 0'", RUN, 2, "found '0'|an integer from 1", 0},
    {"a negative size of batches", "change 'batch_size: 8' 'batch_size: -8'", RUN, 2,
     "config.yml:11|found '-8'|from 1 to", 0},
    {"a huge size of batches", "change 'batch_size: 8' 'batch_size: 99999999999'", RUN, 2,
     "found '99999999999'|to 65536", 0},
    {"a learning rate that is no number", "change 'lr: 0.1' 'lr: .nan'", RUN, 2,
     "config.yml:25|lr: found '.nan'|a number from 1e-12", 0},
    {"a learning rate of zero", "change 'lr: 0.1' 'lr: 0'", RUN, 2, "config.yml:25|lr: found '0'|a number from 1e-12",
     0},
    {"bits as text", "change '\\[4, 8\\]' \"['4', 8]\"", RUN, 2,
     "config.yml:19|bit_candidates|a text, '4'|0 to 8, 16, 32", 0},
    {"bits without brackets", "change '\\[4, 8\\]' '8'", RUN, 2, "bit_candidates: found '8'|a list of bits", 0},
    {"bits that do not exist", "change '\\[4, 8\\]' '[4, 64]'", RUN, 2, "config.yml:19|found '64'|0 to 8, 16, 32", 0},
    {"half a bit", "change '\\[4, 8\\]' '[3.5, 8]'", RUN, 2, "config.yml:19|found '3.5'|0 to 8, 16, 32", 0},
    {"no bits", "change '\\[4, 8\\]' '[]'", RUN, 2, "bit_candidates: found an empty list|a list of bits", 0},
    {"bits twice", "change '\\[4, 8\\]' '[4, 8, 4]'", RUN, 2, "bit_candidates: found 4 twice|each once", 0},
    {"bits that a quantiser does not have",
     "change '\\[4, 8\\]' '[0, 8]\\n        quantizer: {weight: lsq, activation: lsq}'", RUN, 2,
     "config.yml:19|found 0 bits|lsq|allowed: 1, 2, 3", 0},
    {"an unknown quantiser", "change '\\[4, 8\\]' '[4, 8]\\n        quantizer: {weight: dorfea}'", RUN, 2,
     "config.yml:20|found 'dorfea'|did you mean 'dorefa'", 0},
    {"an unknown objective", "change 'accuracy, flops' 'acuracy, flops'", RUN, 2,
     "config.yml:17|found 'acuracy'|allowed|did you mean 'accuracy'", 0},
    {"an unknown optimiser", "change 'type: SGD' 'type: RMSprop'", RUN, 2, "found 'RMSprop'|one of SGD, Adam, AdamW",
     0},
    {"an unknown schedule", "change '        epochs: 1' '        epochs: 1\\n        lr_scheduler: {type: Cosine}'",
     RUN, 2, "config.yml:23|found 'Cosine'|did you mean 'CosineAnnealingLR'", 0},
    {"an unknown type of data", "change 'type: Arrays' 'type: Imagefolder'", RUN, 2,
     "config.yml:6|found 'Imagefolder'|did you mean 'ImageFolder'", 0},
    {"an unknown network", "change 'backbone: {' 'backbone: {type: MobileNetV2, '", RUN, 2,
     "config.yml:20|found 'MobileNetV2'|ResNetGeneral", 0},
    {"a depth that does not exist", "change 'num_blocks: .1, 1.' 'base_depth: 22'", RUN, 2, "found '22'|18, 20, 34, 50",
     0},
    {"a length that differs from the genes", "change 'num_generation: 1' 'length: 40'", RUN, 2,
     "config.yml:14|length: found 40|10 genes", 0},
    {"an unknown step", "change 'nas, fully_train' 'nas, full_train'", RUN, 2,
     "config.yml:3|pipeline: found 'full_train'|did you mean 'fully_train'", 0},
    {"a pattern that no layer has",
     "change '\\[4, 8\\]' '[4, 8]\\n        layers: {layer9.0.conv1: {weight_bits: [8]}}'", RUN, 2,
     "config.yml:20|layer9.0.conv1|matches no quantised layer|did you mean 'layer1.0.conv1'", 0},
    {"limits that exclude everything",
     "change '        epochs: 1' '        epochs: 1\\n        limits: {flop_range: [0, 1]}'", RUN, 2,
     "config.yml:23|flop_range: found [0, 1]|no genome meets|allowed", 0},
    {"limits that no genome meets together", LIMITS("flop_range: [0, 12000], weight_bytes_range: [1000, 2000]"), RUN, 2,
     "config.yml:23|nas.trainer.limits: found flop_range [0, 12000] and weight_bytes_range [1000, 2000]|no genome "
     "meets "
     "together|the nearest found costs flop_range",
     0},
    {"a limit between the costs of all genomes", LIMITS("flop_range: [16000, 16001]"), RUN, 2,
     "config.yml:23|nas.trainer.limits.flop_range: found [16000, 16001]|no genome meets|the nearest found costs", 0},
    {"bits that a quantiser does not have for a layer without a rule",
     "change '\\[4, 8\\]' '[0, 8]\\n        quantizer: {weight: lsq}\\n        layers: {layer1.0.conv2: {weight_bits: "
     "[8]}}'",
     RUN, 2, "config.yml:19|nas.search_space.bit_candidates: found 0 bits|lsq|layer1.0.conv1|allowed: 1, 2", 0},
    {"a tie of layers with different candidates",
     "change '\\[4, 8\\]' '[4, 8]\\n        layers: {\"layer1.*\": {tie: true}, layer1.0.conv2: {weight_bits: "
     "[8]}}'",
     RUN, 2,
     "config.yml:20|nas.search_space.layers.\"layer1.*\": found tie: true|weight candidates of 'layer1.0.conv2'", 0},
    {"no image left for validation", "change 'train_portion: 0.8' 'train_portion: 1.0'", RUN, 2,
     "config.yml:9|train_portion: found 1|validate", 0},
    {"the best epoch without images to choose it by",
     "change 'ref: nas.dataset' 'ref: nas.dataset, common: {train_portion: 1.0}'; "
     "change 'ref: nas.trainer' 'ref: nas.trainer, keep_best: true'",
     RUN, 2, "config.yml:28|fully_train.trainer.keep_best: found true|no validation images|train_portion", 0},
    {"workers: none", "", RUN " --workers 0", 2, "found '0'|auto or an integer from 1", 0},
    {"workers: a hundred thousand", "", RUN " --workers 100000", 2, "found '100000'|auto or an integer from 1", 0},
    {"an unknown instruction set", "", RUN " --set general.isa=avx3", 2, "found 'avx3'|avx2|did you mean 'avx2'", 0},
    {"an instruction set that this processor lacks", "", RUN " --set general.isa=avx512", 7,
     "general.isa|avx512|CPU does not have it|auto", WITHOUT_AVX512},
    {0}};

static const mistake wrong_data[] = {
    {"a folder that is not there", "change 'data_path: data' 'data_path: dta'", RUN, 3,
     "config.yml:8|found 'dta'|did you mean 'data'", 0},
    {"a file instead of a folder", "change 'data_path: data' 'data_path: config.yml'", RUN, 3,
     "config.yml'|a file|folder", 0},
    {"an empty folder", "rm data/*", RUN, 3, "data: no train.safetensors|found an empty folder", 0},
    {"a folder one level too high", "mkdir up; mv data up; change 'data_path: data' 'data_path: up'", RUN, 3,
     "up: no train.safetensors|did you mean 'up/data'", 0},
    {"a folder two levels too high",
     "mkdir -p c/b/cifar-10-batches-bin; : >c/b/cifar-10-batches-bin/data_batch_1.bin; " CIFAR, RUN, 3,
     "no CIFAR-10|did you mean 'c/b/cifar-10-batches-bin'", 0},
    {"an archive that was not unpacked", "mkdir c; : >c/cifar-10-binary.tar.gz; " CIFAR, RUN, 3,
     "no CIFAR-10|is cifar-10-binary.tar.gz to be unpacked", 0},
    {"data of another type", "change 'type: Arrays' 'type: Mnist'", RUN, 3,
     "no MNIST|train-images-idx3-ubyte|found test.safetensors, train.safetensors", 0},
    {"a part that is missing", "rm data/test.safetensors", RUN, 3, "data: no test.safetensors|found train.safetensors",
     0},
    {"a download that broke off", "mkdir c; truncate -s 20000000 c/data_batch_1.bin; " CIFAR, RUN, 3,
     "data_batch_1.bin: truncated|byte 20000000|30730000 bytes", 0},
    {"a label that the type does not have",
     "mkdir c; head -c 30730000 /dev/zero | tr '\\0' '~' >c/data_batch_1.bin; " CIFAR, RUN, 3,
     "data_batch_1.bin: byte 0|126|labels 0 to 9", 0},
    {"another number of classes than the data's", "change 'num_blocks' 'num_classes: 10, num_blocks'", RUN, 2,
     "num_classes: found 10 classes|have 4", 0},
    {"images of another size in the full training", OTHER_IMAGES, RUN, 2,
     "config.yml:27|fully_train.dataset.common.data_path: found images of 4 x 16 x 1|allowed|8 x 8 x 1 in 4 classes",
     0},
    {"images of another size in a full training after the search",
     OTHER_IMAGES "; change 'nas, fully_train' 'nas'; quantea run config.yml --quiet -t half",
     "run --resume half --set pipeline=[fully_train]", 2,
     "config.yml|data_path: found images of 4 x 16 x 1|allowed|8 x 8 x 1 in 4 classes", 0},
    {"a crop to another size than the images'",
     "change 'batch_size: 8' 'batch_size: 8\\n            transforms: [{type: RandomCrop, size: 32, padding: 4}]'", RUN,
     2, "config.yml:12|nas.dataset.train.transforms: found RandomCrop to 32 x 32|8 x 8|allowed", 0},
    {"a scaling of colours for grey images",
     "change 'batch_size: 8' 'batch_size: 8\\n            transforms: [{type: Normalize, mean: [0, 0, 0], std: [1, 1, "
     "1]}]'",
     RUN, 2, "config.yml:12|nas.dataset.train.transforms: found Normalize with 3 values|allowed: 1", 0},
    {"arrays without labels", "sed -i 's/\"y\"/\"Y\"/' data/train.safetensors", RUN, 3,
     "data/train.safetensors: has no tensor \"y\"|x (images) and y (labels)", 0},
    {"arrays of another type", "sed -i 's/\"U8\"/\"I8\"/' data/train.safetensors", RUN, 3,
     "data/train.safetensors: tensor x: found I8 [96,8,8,1]|U8|[N,H,W,C]", 0},
    {"arrays with channels first", "sed -i 's/96, 8, 8, 1/96, 1, 8, 8/' data/train.safetensors", RUN, 3,
     "dimension 3 of [N,H,W,C] is 8|is the order [N,C,H,W]?", 0},
    {"arrays that were cut off", "truncate -s 3000 data/train.safetensors", RUN, 3,
     "data/train.safetensors: tensor 'x'|cut off", 0},
    {"images without folders of classes", IMAGES "; change ': images' ': images/cat'", RUN, 3,
     "images/cat/0.png: found an image here|one for each class", 0},
    {"images of one class", "rm -r images/dog; " IMAGES, RUN, 3, "images: found one class only, 'cat'|at least two", 0},
    {"a class without images", "rm images/dog/*; " IMAGES, RUN, 3, "images/dog: found no images of this class", 0},
    {"a corrupt image", "truncate -s 50 images/cat/3.png; " IMAGES, RUN, 3, "images/cat/3.png: byte|truncated", 0},
    {"a file among the images that is none", "echo hello >images/cat/notes.txt; " IMAGES, RUN, 3,
     "images/cat/notes.txt: byte 0|neither a PNG nor a JPEG", 0},
    {"images of different sizes", "cp large.png images/dog/2.png; " IMAGES, RUN, 3,
     "images/dog/2.png: 20 x 20 pixels|has 16 x 16|image_size", 0},
    {"no test images", IMAGES "; change 'test_portion: 0.2' 'test_portion: 0'", RUN, 3,
     "images: no folder test|test_portion is 0|0.2", 0},
    {"data that may not be read", "chmod 000 data", RUN, 4, "data: open folder: Permission denied", AS_NOBODY},
    {0}};

static const mistake wrong_models[] = {
    {"a model that is not there", "", "eval modle.safetensors --data data", 3,
     "model|found 'modle.safetensors'|no such file|did you mean 'model.safetensors'", 0},
    {"a file that is no model", "", "eval config.yml --data data", 3, "config.yml: not a safetensors file", 0},
    {"arrays instead of a model", "", "eval data/train.safetensors --data data", 3,
     "data/train.safetensors: not a model that quantea wrote", 0},
    {"a folder instead of a model", "", "eval tasks/done --data data", 3, "tasks/done: is a folder, a file is expected",
     0},
    {"a model that was cut off", "head -c 3000 " MODEL " >cut.safetensors", "eval cut.safetensors --data data", 3,
     "cut.safetensors: not a safetensors file, or cut off", 0},
    {"a model without its images", "", "eval " MODEL, 2, "--data where the images are", 0},
    {"images of another size than the model's",
     "sed -i 's/96, 8, 8, 1/96,4, 16, 1/; s/48, 8, 8, 1/48,4, 16, 1/' data/*", "eval " MODEL " --data data", 3,
     "images are 4x16x1|takes 8x8x1", 0},
    {"an unknown part", "", "eval " MODEL " --data data --part tset", 2,
     "--part|found 'tset'|train, val, test|did you mean test", 0},
    {"a pretrained model that is not there",
     "change 'max_models: 1' 'init: pretrained\\n    pretrained: none.safetensors'", RUN, 3,
     "config.yml:30|fully_train.pretrained: found 'none.safetensors'|no such file", 0},
    {"a pretrained model of another network",
     "change 'max_models: 1' 'init: pretrained\\n    pretrained: " MODEL
     "'; change 'base_channel: 4' 'base_channel: 6'",
     RUN, 3, "config.yml:30|fully_train.pretrained|a model of another network", 0},
    {0}};

static const mistake wrong_tasks[] = {
    {"a task that is not there", "", "run --resume doen", 2, "'tasks/doen'|no such task|did you mean 'tasks/done'", 0},
    {"a folder that is no task", "", "report data", 2, "data: not the folder of a task|task.db", 0},
    {"a task that exists already", "", RUN " -t done", 6, "tasks/done: a task of this name exists|resume", 0},
    {"a slash in the name of a task", "", RUN " -t first/try", 2, "found 'first/try'|letters, digits", 0},
    {"a task that runs", "echo 4711 >tasks/done/task.lock", "run --resume done", 6, "tasks/done|in use|pid 4711",
     WHILE_IT_RUNS},
    {"a task of another version", "printf '\\143' | dd of=tasks/done/task.db bs=1 seek=63 conv=notrunc 2>/dev/null",
     "run --resume done", 6, "tasks/done/task.db|version 99|this program", 0},
    {"a task whose store is damaged", "yes no | head -c 9000 >tasks/done/task.db", "report done", 3,
     "tasks/done/task.db|not a database", 0},
    {"another configuration for a task that is resumed", "", "run --resume done --set nas.trainer.epochs=3", 2,
     "--set nas.trainer.epochs|keeps its configuration|general.workers", 0},
    {"a trial to train that the search has not had", "", "run --resume done --set fully_train.trials=[99]", 2,
     "--set fully_train.trials: found 99|1 to 4", 0},
    {"a place for tasks that is a file", "", RUN " -t new --set general.task.local_base_path=config.yml", 4,
     "config.yml|found a file of the name", 0},
    {"a place for tasks that may not be written", "chmod 555 tasks", RUN " -t new", 4,
     "tasks/new|making this folder|Permission denied", AS_NOBODY},
    {"the progress of a task that is not there", "", "progress doen", 2, "'tasks/doen'|did you mean 'tasks/done'", 0},
    {"a limit on the size of files", "", RUN " -t new", 4, "tasks/new/task.db|File too large",
     LEAVES_TASK | IN_SMALL_FILES},
    {"no space left", "", RUN " -t new", 4, "tasks/new/task.db|No space left", LEAVES_TASK | ON_SMALL_DISK},
    {0}};

static const mistake wrong_arguments[] = {
    {"a command misspelt", "", "rnu config.yml", 2, "'rnu'|neither a command|did you mean run", 0},
    {"an option misspelt", "", RUN " --epcohs 3", 2, "--epcohs|did you mean --epochs", 0},
    {"half an option", "", RUN " --task first", 2, "--task|did you mean --task_id", 0},
    {"an option without its value", "", RUN " --epochs", 2, "--epochs", 0},
    {"a value for an option that takes none", "", RUN " --quiet=3", 2, "--quiet", 0},
    {"no configuration", "", "run", 2, "run|configuration", 0},
    {"two configurations", "", RUN " other.yml", 2, "other.yml|config.yml", 0},
    {"a setting without a value", "", RUN " --set nas.trainer.epochs", 2, "--set|nas.trainer.epochs|KEY=VALUE", 0},
    {"a setting of an unknown key", "", RUN " --set nas.trainer.epoch=3", 2,
     "--set nas.trainer.epoch|did you mean 'epochs'", 0},
    {"a setting without its step", "", RUN " --set trainer.epochs=3", 2, "--set trainer|did you mean 'nas.trainer'", 0},
    {"a setting of the wrong type", "", RUN " --set nas.trainer.epochs=three", 2,
     "--set nas.trainer.epochs: found 'three'|integer", 0},
    {"a word for the number of images", "", "eval " MODEL " --data data --images all", 2,
     "--images|found 'all'|whole numbers", 0},
    {"a network that init does not know", "", "init --dataset images --network resnet21", 2,
     "found 'resnet21'|did you mean", 0},
    {"a data set that init does not know", "", "init --dataset Cifar", 2, "found 'Cifar'|Cifar10", 0},
    {"arrays that init takes for images", "", "init --dataset data", 3, "data: found no folder|--data_path FOLDER", 0},
    {"a file that init would replace", ": >quantea.yml", "init --dataset images", 6, "quantea.yml: exists|--force", 0},
    {0}};

static const mistake_group groups[] = {{"The configuration file", wrong_files},
                                       {"YAML", wrong_yaml},
                                       {"Keys", wrong_keys},
                                       {"Values", wrong_values},
                                       {"Data", wrong_data},
                                       {"Models", wrong_models},
                                       {"Tasks", wrong_tasks},
                                       {"The command line", wrong_arguments}};

#endif
