// Validates an AsyncAPI document with the official parser.
//
//     node tools/asyncapi/validate.mjs docs/reference/asyncapi.yaml
//
// Exit code 1 with one line per error when the document is not valid; advice is printed and passes.
import { readFile } from 'node:fs/promises';
import { argv, exit } from 'node:process';

import { Parser } from '@asyncapi/parser';

const ERROR = 0;
const SEVERITIES = ['error', 'warning', 'information', 'hint'];

function line(path, { severity, code, message, path: where, range }) {
  return `${path}:${range.start.line + 1}: ${SEVERITIES[severity]} ${code} at ${where.join('.') || 'root'}: ${message}`;
}

const [, , path] = argv;
if (path === undefined) {
  console.error('usage: node validate.mjs DOCUMENT');
  exit(2);
}

const { document, diagnostics } = await new Parser().parse(await readFile(path, 'utf8'), { source: path });
for (const diagnostic of diagnostics) {
  console.log(line(path, diagnostic));
}
const errors = diagnostics.filter(({ severity }) => severity === ERROR).length;
if (document === undefined || errors > 0) {
  console.error(`${path}: not valid AsyncAPI, ${errors} errors`);
  exit(1);
}
console.log(`${path}: valid AsyncAPI ${document.version()}`);
