// What parsers from npm make of files: node documents.mjs FOLDER prints {"NAME": …} for each .lrc
// (lrc-kit), .ass (ass-compiler), .docx (mammoth), .md (yaml, commonmark), .csv and .tsv (csv-parse)
// in it. Times are in milliseconds.
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { createRequire } from "node:module";
import { parse as parseAss } from "ass-compiler"; // an ES module, which Node 18 does not require()

const require = createRequire(import.meta.url);
const { Lrc } = require("lrc-kit");
const mammoth = require("mammoth");
const { parse: parseYaml } = require("yaml");
const commonmark = require("commonmark");
const { parse: parseCsv } = require("csv-parse/sync");

const ms = (seconds) => Math.round(seconds * 1000);

function lrc(bytes) {
  const text = bytes.toString("utf8");
  const plain = Lrc.parse(text, { enhanced: false });
  const words = Lrc.parse(text).lyrics.flatMap((l) => l.wordTimestamps ?? []);
  return {
    info: plain.info,
    lines: plain.lyrics.map((l) => [ms(l.timestamp), l.content]),
    words: words.map((w) => [ms(w.timestamp), w.content.trim()]),
  };
}

function ass(bytes) {
  const { styles, events } = parseAss(bytes.toString("utf8"));
  return {
    styles: styles.style.map((s) => s.Name),
    cues: events.dialogue.map((d) => [ms(d.Start), ms(d.End), d.Text.raw, d.Style, d.Name,
      d.Text.parsed.flatMap((p) => p.tags).filter((t) => "k" in t).map((t) => t.k * 10)]),
  };
}

async function docx(bytes) {
  const { value, messages } = await mammoth.extractRawText({ buffer: bytes });
  return { paragraphs: value.split("\n\n").filter((p) => p !== ""), messages };
}

// The front matter, and the text of each paragraph without what marks it.
function md(bytes) {
  const text = bytes.toString("utf8");
  const front = /^---\n(.*?\n)---\n/s.exec(text);
  const body = front ? text.slice(front[0].length) : text;
  const paragraphs = [];
  const kinds = new Set();
  const walker = new commonmark.Parser().parse(body).walker();
  for (let step = walker.next(); step; step = walker.next()) {
    const { type, literal } = step.node;
    kinds.add(type);
    if (step.entering && (type === "paragraph" || type === "heading")) paragraphs.push("");
    else if (literal) paragraphs[paragraphs.length - 1] += literal;
  }
  return { front: front && parseYaml(front[1]), paragraphs, kinds: [...kinds].sort() };
}

const table = (bytes, options) => parseCsv(bytes, { columns: true, bom: true, ...options });

const parsers = {
  ".lrc": lrc,
  ".ass": ass,
  ".docx": docx,
  ".md": md,
  ".csv": (bytes) => table(bytes, { comment: "#", comment_no_infix: true }),
  ".tsv": (bytes) => table(bytes, { delimiter: "\t", quote: null }),
};

const found = {};
for (const name of readdirSync(process.argv[2]).sort()) {
  const parse = parsers[extname(name)];
  if (parse) found[name] = await parse(readFileSync(join(process.argv[2], name)));
}
process.stdout.write(JSON.stringify(found));
