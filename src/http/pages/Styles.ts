/**
 * What the pages add to Simple.css: one column, wide enough for rows; heading sizes that suit forms; no animation;
 * colours for success and failure.
 */
export const styles = `
:root{color-scheme:light dark;--sans-font:system-ui,sans-serif;--mono-font:ui-monospace,monospace;--accent-hover:var(--accent)}
@media(prefers-color-scheme:dark){:root{--accent:#8ab4f8;--accent-hover:#8ab4f8;--border:#8a8a94}}
html{scroll-behavior:auto}
[hidden]{display:none!important}
*{transition:none!important;animation:none!important}
body{font-size:1.0625rem;grid-template-columns:1fr min(48rem,calc(100% - 2rem)) 1fr;overflow-wrap:break-word}
[dir=auto],bdi,button,dd{overflow-wrap:anywhere}
body>header{text-align:start;padding:.5rem 0;display:grid;grid-template-columns:1fr min(48rem,calc(100% - 2rem)) 1fr}
body>header>*:only-child{margin-block-start:0}
body>header>nav{grid-column:2;display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1.25rem;padding:0}
header>nav a,header>nav a:visited{border:0;padding:.25rem 0;margin:0;color:var(--text);text-decoration:none;border-radius:0}
header>nav a:hover,header>nav a[aria-current]{border:0;color:var(--accent);text-decoration:underline;background:none}
header>nav .brand{font-weight:700;margin-inline-end:auto}
header>nav form{margin:0}
main{padding-top:1rem}
body>footer{margin-top:2.5rem;padding:1rem 0;text-align:start}
h1{font-size:1.9rem;line-height:1.2;margin:.75rem 0}
h2{font-size:1.35rem;line-height:1.3;margin:2rem 0 .5rem}
h3{font-size:1.1rem;margin:1.25rem 0 .25rem}
p,ul,ol,dl{margin:.5rem 0}
.lead{font-size:1.15rem}
.why,.quiet{color:var(--text-light);font-size:.95rem}
.why{display:block;margin:.1rem 0 .3rem}
section{border:0;padding:0;margin:1.5rem 0}
form{margin:.75rem 0}
label,legend{font-weight:600;display:block}
label.choice span{min-width:0}
label.choice{font-weight:400;display:flex;gap:.5rem;align-items:baseline;margin:.35rem 0}
fieldset{border:1px solid var(--border);border-radius:var(--standard-border-radius);padding:.5rem 1rem 1rem;margin:1rem 0}
input:not([type=checkbox]):not([type=radio]),select,textarea{display:block;width:100%;max-width:26rem;margin:0 0 .9rem;font-size:1.0625rem}
input[type=checkbox],input[type=radio]{flex:none}
button,button[type]{font-size:1.0625rem;margin:.25rem .5rem .25rem 0;min-height:2.75rem;padding:.5rem 1rem;border:1px solid var(--accent);max-width:100%;white-space:normal;cursor:pointer}
button.plain{background:none;color:var(--accent)}
button.link{font-size:inherit;background:none;border:0;padding:.25rem 0;min-height:2rem;margin:0;color:var(--text)}
button.plain:hover,button.link:hover{background:none;color:var(--accent);text-decoration:underline}
button.grave{background:#b3261e;border-color:#b3261e;color:#fff}
button.grave:hover{background:#8c1d18}
:focus-visible{outline:3px solid var(--accent)!important;outline-offset:2px}
.inline form{display:inline-block;margin:0 .5rem 0 0}
.done,.problem,.next{border:1px solid var(--border);border-inline-start:6px solid var(--accent);border-radius:var(--standard-border-radius);padding:.6rem 1rem;margin:1rem 0;background:var(--accent-bg)}
.problem{border-inline-start-color:#b3261e}
.problem h2,.done h2,.next h2{margin:.1rem 0 .3rem;font-size:1.15rem}
.wrong{color:#b3261e;font-weight:600;display:block}
@media(prefers-color-scheme:dark){.wrong{color:#f2b8b5}}
[aria-invalid=true]{border:2px solid #b3261e}
ul.cards,ul.rows{list-style:none;padding:0}
ul.cards>li{border:1px solid var(--border);border-radius:var(--standard-border-radius);padding:.75rem 1rem;margin:.75rem 0}
ul.cards h2,ul.cards h3{margin:0}
ul.rows>li{border-top:1px solid color-mix(in srgb,var(--border) 45%,transparent);padding:.5rem 0}
details{background:none;border:1px solid var(--border);padding:.5rem 1rem;margin:.5rem 0}
details[open]{padding-bottom:.75rem}
summary{font-weight:600;padding:.25rem 1rem;margin:-.5rem -1rem;width:auto;word-break:normal;overflow-wrap:anywhere}
details[open]>summary{margin-bottom:.5rem;border-bottom:1px solid color-mix(in srgb,var(--border) 45%,transparent)}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}
dl.facts dt{font-weight:600}dl.facts dd{margin:0}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:.25rem 1rem;margin:.25rem 0 .75rem}
.fields>*{min-width:0}
.fields pre{margin:0;padding:.5rem;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid color-mix(in srgb,var(--border) 45%,transparent)}
.bars{display:block;width:min(100%,32rem);height:auto}.bars rect{fill:var(--accent)}.bars text{fill:var(--text);font-size:14px}
progress{width:100%}
.prose{white-space:pre-wrap}
.mark{font-size:.85rem;border:1px solid var(--border);border-radius:1rem;padding:.05rem .6rem;white-space:nowrap}
.mark.changed{border-color:var(--accent);color:var(--accent)}
.qr{display:block;width:min(14rem,100%);height:auto;background:#fff;margin:.5rem 0}
.check{font-size:1.4rem;font-weight:700;letter-spacing:.1em;font-variant-numeric:tabular-nums}
nav.pages{display:flex;gap:1rem;margin:1rem 0}
code{overflow-wrap:anywhere}
nav.contents ul{columns:18rem;padding-inline-start:1.2rem}
.part{border-top:1px solid var(--border);padding:1rem 0;margin:0}.part h2{margin:0 0 .5rem;font-size:1.2rem}
.part pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem;padding:.75rem}
.method{font-weight:700}
ul.operations{list-style:none;padding:0;columns:22rem}ul.operations li{break-inside:avoid;padding:.2rem 0}
form.try label{display:block}form.try input,form.try textarea{width:100%}form.try .answer{display:block;white-space:pre-wrap;overflow-wrap:anywhere;font-family:var(--mono-font);font-size:.85rem}
pre.command{white-space:pre-wrap;overflow-wrap:anywhere}
table{width:100%;font-size:.95rem}th,td{vertical-align:top}
@media(max-width:40rem){.part thead{display:none}.part tr,.part td{display:block;border:0}.part tr{border-bottom:1px solid var(--border);padding:.5rem 0}.part td{padding:0 .25rem}}
@media(max-width:34rem){.fields{grid-template-columns:1fr}dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-bottom:.4rem}h1{font-size:1.6rem}button:not(.link){width:100%}.inline form{display:block;margin:0}}
`
