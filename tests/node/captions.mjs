// What caption parsers from npm make of files: node captions.mjs FOLDER prints
// {"NAME": {"PARSER": [[start, end, "text"], …]}}, times in milliseconds, for each .srt and .vtt in it.
// A complaint of a parser is {"errors": [...]} in place of the list.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import * as srtParser2 from "srt-parser-2"; // an ES module, which Node 18 does not require()

// vtt.js asks its browser's name.
globalThis.navigator ??= { userAgent: "" };

const require = createRequire(import.meta.url);
const { parseSync } = require("subtitle");
const vttJs = require("vtt.js");
const { WebVTTParser } = require("webvtt-parser");

const ms = (seconds) => Math.round(seconds * 1000);

function subtitle(text) {
  return parseSync(text).filter((node) => node.type === "cue")
    .map(({ data }) => [data.start, data.end, data.text]);
}

function srtParser(text) {
  const Parser = srtParser2.default ?? srtParser2;
  return new Parser().fromSrt(text).map((c) => [ms(c.startSeconds), ms(c.endSeconds), c.text]);
}

function mozilla(text) {
  const cues = [];
  const errors = [];
  const window = { VTTCue: vttJs.VTTCue, VTTRegion: vttJs.VTTRegion };
  const parser = new vttJs.WebVTT.Parser(window, vttJs.WebVTT.StringDecoder());
  parser.oncue = (c) => cues.push([ms(c.startTime), ms(c.endTime), c.text]);
  parser.onparsingerror = (e) => errors.push(String(e.message ?? e));
  parser.parse(text);
  parser.flush();
  return errors.length > 0 ? { errors } : cues;
}

// The text as a reader sees it: tags are gone, entities are signs. (The parser's own tree keeps the
// semicolon of every entity.)
function plain(text) {
  const signs = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
  return text.replace(/<[^>]*>/g, "").replace(/&(lt|gt|amp);/g, (entity) => signs[entity]);
}

function w3c(text) {
  const { cues, errors } = new WebVTTParser().parse(text, "captions");
  if (errors.length > 0) {
    return { errors: errors.map((e) => `${e.line}:${e.col} ${e.message}`) };
  }
  return cues.map((c) => [ms(c.startTime), ms(c.endTime), plain(c.text)]);
}

const parsers = {
  ".srt": { subtitle, "srt-parser-2": srtParser },
  ".vtt": { subtitle, "vtt.js": mozilla, "webvtt-parser": w3c },
};

const found = {};
for (const name of readdirSync(process.argv[2]).sort()) {
  const use = parsers[name.slice(-4)];
  if (use) {
    const text = readFileSync(join(process.argv[2], name), "utf8");
    found[name] = {};
    for (const [parser, parse] of Object.entries(use)) found[name][parser] = parse(text);
  }
}
process.stdout.write(JSON.stringify(found));
