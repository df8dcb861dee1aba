/* Pages of `espalier report` in a real browser: they can be read in light, in dark and on a phone, print nothing to
 * the console, and show the numbers of their data. */
#include "cli_run.h"
#include "page_text.h"
#include "read_png.h"

#define CHROMIUM "chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --no-first-run " \
                 "--user-data-dir=profile --disable-dev-shm-usage --enable-logging=stderr --virtual-time-budget=2000 "

static void skip(const char *reason)
{
    printf("skipped: %s ", reason);
    exit(77);
}

/* A browser prints much of its own; messages caused by a page contain this word. */
static void check_console(void)
{
    if (strstr(cli_err, "CONSOLE")) cli_say();
    CU_ASSERT(strstr(cli_err, "CONSOLE") == NULL);
}

static void pages_are_made_and_a_browser_is_there(void)
{
    if (system("command -v chromium >/dev/null") != 0) skip("no browser (Debian: apt install chromium)");
    cli_begin();
    CLI_OK(BARE "agent.safetensors --controller policy --sparsity 0.3 --tolerance 0.02 --episodes 2 "
           "--report-episodes 3 --set search.iterations=3 -o small.st");
    CLI_OK("$E sweep agent.safetensors --controller policy --episodes 2 --report-episodes 2 --tolerance 0.02 "
           "--methods magnitude,random --sparsities 0.4 -o sweep");
    CLI_OK("$E report run -o run.html && $E report small.st -o search.html && $E report sweep -o sweep.html");
}

/* The browser's version of the page, as text: every number is there and equals that of the data. */
static void numbers_read_in_the_browser_are_those_of_the_data(void)
{
    static const char *const pages[] = {"run", "search", "sweep"};
    for (int i = 0; i < 3; i++) {
        char name[32], *dom = NULL, *html = NULL;
        size_t size;
        CLI_OK(CHROMIUM "--window-size=1200,2400 --screenshot=%s.png --dump-dom %s.html >%s.dom", pages[i], pages[i],
               pages[i]);
        check_console();
        snprintf(name, sizeof name, "%s.dom", pages[i]);
        CHECK_OK(esp_file_read(name, 1 << 24, &dom, &size));
        snprintf(name, sizeof name, "%s.html", pages[i]);
        CHECK_OK(esp_file_read(name, 1 << 24, &html, &size));
        cJSON *read = page_data(dom), *written = page_data(html);
        CU_ASSERT(cJSON_Compare(read, written, true));
        int count = page_check_numbers(dom, read);
        CU_ASSERT(count > 5);
        CU_ASSERT_EQUAL(count, page_check_numbers(html, written));
        cJSON_Delete(read);
        cJSON_Delete(written);
        free(dom);
        free(html);
    }
}

/* ---- pictures ---- */

/* Mean brightness 0 .. 255, and the share of pixels that are far from the upper left one. */
typedef struct { double brightness, ink; } look;

static look look_at(const char *name)
{
    picture p = read_png(name);
    double sum = 0, ink = 0, pixels = (double)p.width * p.height;
    for (int i = 0; i < p.width * p.height; i++) {
        int difference = 0;
        for (int c = 0; c < p.channels; c++) {
            sum += p.pixels[i * p.channels + c];
            difference += abs(p.pixels[i * p.channels + c] - p.pixels[c]);
        }
        ink += difference > 60 * p.channels;
    }
    look result = {sum / pixels / p.channels, ink / pixels};
    free(p.pixels);
    return result;
}

static void pages_can_be_seen_in_light_and_in_dark(void)
{
    CLI_OK(CHROMIUM "--window-size=1200,2400 --blink-settings=preferredColorScheme=0 --screenshot=dark.png sweep.html");
    check_console();
    static const char *const light[] = {"run.png", "search.png", "sweep.png"};
    for (int i = 0; i < 3; i++) {
        look seen = look_at(light[i]);
        CU_ASSERT(seen.brightness > 200 && seen.ink > 0.01 && seen.ink < 0.4);
    }
    look dark = look_at("dark.png");
    CU_ASSERT(dark.brightness < 80 && dark.ink > 0.01 && dark.ink < 0.4);
}

/* A frame as wide as a phone; its script prints the width of the page inside it. */
static void pages_fit_a_phone(void)
{
    static const char frame[] =
        "<!DOCTYPE html><body style='margin:0'><iframe style='border:0' width=390 height=2000></iframe><script>\n"
        "var f = document.querySelector('iframe');\n"
        "f.onload = function () {\n"
        "  document.body.dataset.wide = f.contentDocument.documentElement.scrollWidth;\n"
        "  console.log('heard');\n"
        "};\n"
        "f.src = 'search.html';</script>\n";
    CHECK_OK(esp_file_write("phone.html", frame, strlen(frame)));
    CLI_OK(CHROMIUM "--allow-file-access-from-files --window-size=600,2000 --screenshot=phone.png --dump-dom "
                    "phone.html");
    /* Only the frame printed something, which also shows that the console is being read. */
    const char *said = strstr(cli_err, "CONSOLE");
    CU_ASSERT(said && strstr(said, "heard") && !strstr(said + 1, "CONSOLE"));
    CU_ASSERT(strstr(cli_out, "data-wide=\"390\"") != NULL);
    look phone = look_at("phone.png");
    CU_ASSERT(phone.ink > 0.01 && phone.ink < 0.4);
}

static CU_TestInfo tests[] = {
    {"pages are made and a browser is there", pages_are_made_and_a_browser_is_there},
    {"numbers read in the browser are those of the data", numbers_read_in_the_browser_are_those_of_the_data},
    {"pages can be seen in light and in dark", pages_can_be_seen_in_light_and_in_dark},
    {"pages fit a phone", pages_fit_a_phone},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("report browser", tests)
