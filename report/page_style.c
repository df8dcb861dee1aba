/* The look of a page. Its colours follow the reader's preference; charts use the page's text colours, and on a dark
 * page the dark colours of their series. test_page_style measures the contrast of all of them. */
#include <string.h>

#include "report/report_internal.h"

static const char rules[] =
    ":root{color-scheme:light dark;--paper:#fff;--panel:#f6f8fa;--line:#d8dee4;--ink:#1f2328;--soft:#59636e;"
    "--first:#0072b2;--second:#d55e00;--brand:#007a58;--bad:#b3261e;--edge:#1f232838;--track:#e4e9ee}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#14171c;--panel:#1b2027;--line:#323a44;--ink:#e6e9ed;"
    "--soft:#9ba6b2;--first:#4ba3dd;--second:#ee8434;--brand:#2fbf94;--bad:#ff8a80;--edge:#0009;--track:#2b323b}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0 auto;max-width:62rem;padding:2rem 1.25rem 3rem;background:var(--paper);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
    "header{border-bottom:1px solid var(--line);margin-bottom:1.5rem;padding-bottom:1.25rem}\n"
    ".brand{margin:0;color:var(--brand);font-size:.8rem;font-weight:600;letter-spacing:.08em;"
    "text-transform:uppercase}\n"
    "h1{margin:.25rem 0 .5rem;font-size:clamp(1.45rem,4.5vw,2.1rem);line-height:1.2;overflow-wrap:anywhere}\n"
    ".lead{margin:0;color:var(--soft);font-size:1.05rem;overflow-wrap:anywhere}\n"
    "h2{margin:2.5rem 0 .75rem;font-size:1.3rem;line-height:1.3}\n"
    "section p{max-width:46rem}\n"
    ".note{padding:.6rem .9rem;border-left:4px solid var(--second);border-radius:0 6px 6px 0;background:var(--panel)}\n"
    ".warning{border-color:var(--bad)}.warning,.bad{color:var(--bad);font-weight:600}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;margin:1.25rem 0}\n"
    ".cards div{padding:.85rem 1rem;border:1px solid var(--line);border-radius:10px;background:var(--panel)}\n"
    ".cards dt{color:var(--soft);font-size:.85rem}\n"
    ".cards dd{margin:0;font-size:1.65rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}\n"
    ".cards .remark{margin-top:.2rem;color:var(--soft);font-size:.82rem;font-weight:400;line-height:1.4}\n"
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.25rem;margin:1.25rem 0}\n"
    ".facts dt{color:var(--soft)}\n"
    ".facts dd{margin:0;overflow-wrap:anywhere}\n"
    "figure,.table{margin:1.25rem 0}\n"
    "figure{padding:.75rem;border:1px solid var(--line);border-radius:10px;background:var(--panel)}\n"
    "figcaption,.caption{max-width:none;margin:.5rem .25rem 0;color:var(--soft);font-size:.88rem;line-height:1.45}\n"
    ".caption{margin:0 0 .4rem}\n"
    ".hint{color:var(--ink);font-weight:600}.phone{display:none}\n"
    ".narrow{display:none}\n"
    ".esp-chart{display:block;width:100%;height:auto;color:inherit;font-family:inherit}\n"
    ".esp-paper{fill:none}\n"
    /* Shadows at the edges where there is more: the first two backgrounds move with the content and cover them. */
    ".scroll{overflow-x:auto;background:linear-gradient(to right,var(--under) 40%,transparent) local 0/1.5rem 100%,"
    "linear-gradient(to left,var(--under) 40%,transparent) local 100%/1.5rem 100%,"
    "radial-gradient(farthest-side at 0 50%,var(--edge),transparent) 0/.6rem 100%,"
    "radial-gradient(farthest-side at 100% 50%,var(--edge),transparent) 100%/.6rem 100%;"
    "background-repeat:no-repeat;--under:var(--paper)}figure .scroll{--under:var(--panel)}\n"
    "img{display:block;max-width:100%;height:auto;margin:0 auto;border-radius:4px}\n"
    ".table .scroll{max-height:34rem;overflow-y:auto;border:1px solid var(--line);border-radius:10px}\n"
    "table{width:100%;border-collapse:separate;border-spacing:0;font-size:.9rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.38rem .55rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}\n"
    "tbody tr:last-child th,tbody tr:last-child td{border-bottom:0}\n"
    "thead th{position:sticky;top:0;white-space:normal;vertical-align:bottom;z-index:1;"
    "background:var(--panel);color:var(--soft);font-weight:600}\n"
    "tbody th{font-weight:500}\n"
    ".number{text-align:right}\n"
    ".bar{min-width:8rem;width:22%}\n"
    ".track{display:block;height:.7rem;border-radius:3px;background:var(--track);overflow:hidden}\n"
    ".fill{display:block;height:100%}.fill.first{background:var(--first)}.fill.second{background:var(--second)}\n"
    "pre{margin:1rem 0;padding:.8rem 1rem;white-space:pre-wrap;overflow-wrap:anywhere;"
    "border:1px solid var(--line);border-radius:10px;"
    "background:var(--panel);font:.85rem/1.5 ui-monospace,'DejaVu Sans Mono',monospace}\n"
    "summary{cursor:pointer;color:var(--soft)}\n"
    "footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}\n"
    "@media (max-width:40rem){body{padding:1.25rem .8rem 2rem}.wide{display:none}.narrow{display:block}"
    ".phone{display:inline}figure{padding:.4rem}.cards{grid-template-columns:repeat(2,1fr);gap:.5rem}"
    ".cards div{padding:.7rem .8rem}.cards div:last-child:nth-child(odd){grid-column:1/-1}"
    ".cards dd{font-size:1.35rem}.facts{gap:.2rem .8rem;font-size:.92rem}"
    "th,td{padding:.32rem .4rem}table{font-size:.82rem}.bar{min-width:4rem}"
    /* The names of the rows stay while the columns pass. */
    "th:first-child{position:sticky;left:0;background:var(--paper);white-space:normal;min-width:4.5rem}"
    "thead th:first-child{background:var(--panel);z-index:2}"
    "img{max-width:none}}\n"
    "@media print{.table .scroll{max-height:none}.hint{display:none}}\n";

static void add_dark_series(esp_xml *html)
{
    esp_xml_add(html, "@media (prefers-color-scheme:dark){");
    for (int i = 0; i < ESP_SERIES_COLORS; i++) {
        const char *light = esp_series_color(i), *dark = esp_series_dark_color(i);
        if (strcmp(light, dark) != 0)
            esp_xml_add(html, ".esp-chart [stroke='%s']{stroke:%s}.esp-chart [fill='%s']{fill:%s}\n", light, dark,
                        light, dark);
    }
    esp_xml_add(html, "}\n");
}

void esp_page_style(esp_xml *html)
{
    esp_xml_paste(html, rules, strlen(rules));
    add_dark_series(html);
}
