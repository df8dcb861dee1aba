/* What espalier writes runs in onnxruntime and gives the same outputs. Skipped where no Python with onnxruntime is
 * installed; ESPALIER_PYTHON names one. */
#include "agent/agent.h"
#include "onnx_fixtures.h"

#include "cli_run.h"

static void find_python(void)
{
    cli_open();
    int found = cli("for p in $ESPALIER_PYTHON python3 /usr/bin/python3; do $p -c 'import onnxruntime, numpy' && echo "
                    "$p && exit; done; exit 1");
    if (found != 0) {
        printf("skipped: no Python with onnxruntime and NumPy (pip install onnxruntime)\n");
        exit(77);
    }
    cli_out[strcspn(cli_out, "\n")] = 0;
    setenv("P", cli_out, 1);
}

/* Runs a model, one sample at a time, on x.bin [count, inputs] and compares with y.bin. 1e-5: other orders of
 * addition in float32. */
static const char runner[] =
    "import sys\n"
    "import numpy, onnxruntime\n"
    "options = onnxruntime.SessionOptions()\n"
    "options.intra_op_num_threads = 1\n"
    "s = onnxruntime.InferenceSession(sys.argv[1], options)\n"
    "kinds = {'tensor(float)': 'f4', 'tensor(uint8)': 'u1'}\n"
    "x = numpy.fromfile('x.bin', kinds[s.get_inputs()[0].type])\n"
    "y = numpy.fromfile('y.bin', 'f4').reshape(int(sys.argv[2]), -1)\n"
    "for row, wanted in zip(x.reshape(len(y), -1), y):\n"
    "    feed, at = {}, 0\n"
    "    for i in s.get_inputs():\n"
    "        shape = [d if isinstance(d, int) else 1 for d in i.shape]\n"
    "        size = int(numpy.prod(shape))\n"
    "        feed[i.name] = row[at:at + size].reshape(shape)\n"
    "        at += size\n"
    "    found = numpy.concatenate([v.ravel() for v in s.run(None, feed)])\n"
    "    error = numpy.abs(found - wanted) / (1 + numpy.abs(wanted))\n"
    "    assert error.max() < 1e-5, (sys.argv[1], error.max())\n";

static void compare(const char *model, int count)
{
    CHECK_OK(esp_file_write("runner.py", runner, strlen(runner)));
    CLI_OK("$P runner.py %s %d", model, count);
}

static void compare_fixture(const onnx_fixture *fixture)
{
    esp_onnx_file file;
    CHECK_OK(esp_onnx_read(fixture->path, &file));
    CHECK_OK(esp_onnx_write("written.onnx", &file));
    size_t x = (size_t)fixture->count * (size_t)file.net->component[0].in_size;
    CHECK_OK(esp_file_write("x.bin", fixture->x, x * sizeof(float)));
    CHECK_OK(esp_file_write("y.bin", fixture->y, fixture->num_y * sizeof(float)));
    compare("written.onnx", fixture->count);
    esp_onnx_file_free(&file);
}

static void written_networks_of_all_exporters_run_in_onnxruntime(void)
{
    find_python();
    onnx_fixtures_each(compare_fixture);
}

/* Encoder and policy on random frames. */
static void write_actions(const char *checkpoint, int count)
{
    esp_agent_checkpoint agent;
    CHECK_OK(esp_agent_checkpoint_read(checkpoint, NULL, &agent));
    const esp_component *encoder = &agent.net->component[ESP_TOLD_ENCODER];
    const esp_component *policy = &agent.net->component[ESP_TOLD_POLICY];
    size_t frames = (size_t)count * (size_t)encoder->in_size, actions = (size_t)count * (size_t)policy->out_size;
    uint8_t *x = esp_alloc(frames, 1);
    float *y = esp_alloc(actions, sizeof *y);
    esp_tape *first = esp_tape_create(agent.net, ESP_TOLD_ENCODER, count);
    esp_tape *second = esp_tape_create(agent.net, ESP_TOLD_POLICY, count);
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (size_t i = 0; i < frames; i++) x[i] = (uint8_t)esp_rng_below(&rng, 256);
    const float *out = esp_forward(agent.net, second, esp_forward(agent.net, first, x, count), count);
    for (size_t i = 0; i < actions; i++) y[i] = tanhf(out[i]);
    CHECK_OK(esp_file_write("x.bin", x, frames));
    CHECK_OK(esp_file_write("y.bin", y, actions * sizeof *y));
    esp_tape_free(first);
    esp_tape_free(second);
    free(x);
    free(y);
    esp_agent_checkpoint_free(&agent);
}

static void an_exported_policy_acts_the_same_in_onnxruntime(void)
{
    CLI_OK("$E export " ESP_SOURCE "/models/pendulum/agent.safetensors --controller policy --to onnx -o policy.onnx");
    write_actions(ESP_SOURCE "/models/pendulum/agent.safetensors", 6);
    compare("policy.onnx", 6);
}

static void an_exported_autoencoder_reconstructs_the_same_in_onnxruntime(void)
{
    enum { COUNT = 4, PIXELS = 784 };
    esp_onnx_file file;
    float x[COUNT * PIXELS];
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    for (int i = 0; i < COUNT * PIXELS; i++) x[i] = (float)esp_rng_uniform(&rng);
    CLI_OK("$E export " ESP_SOURCE "/models/mnist/autoencoder.safetensors --to onnx -o ae.onnx");
    CHECK_OK(esp_onnx_read("ae.onnx", &file));
    float *y = onnx_outputs(file.net, x, COUNT);
    CHECK_OK(esp_file_write("x.bin", x, sizeof x));
    CHECK_OK(esp_file_write("y.bin", y, sizeof x));
    compare("ae.onnx", COUNT);
    free(y);
    esp_onnx_file_free(&file);
}

static CU_TestInfo tests[] = {
    {"written networks of all exporters run in onnxruntime", written_networks_of_all_exporters_run_in_onnxruntime},
    {"an exported policy acts the same in onnxruntime", an_exported_policy_acts_the_same_in_onnxruntime},
    {"an exported autoencoder reconstructs the same in onnxruntime",
     an_exported_autoencoder_reconstructs_the_same_in_onnxruntime},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("espalier's files in onnxruntime", tests)
