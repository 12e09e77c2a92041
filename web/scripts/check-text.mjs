// Two rules about words. 1. No text in code: whatever a user reads or hears comes from a catalogue, so JSX may hold no
// literal with letters, neither as a child nor in an attribute that is read aloud or shown. 2. Catalogues and code agree:
// every key written in code exists, and every key of a catalogue is used (families such as error.* are used by word()).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

const web = resolve(import.meta.dirname, '..');
const shown = new Set([
  'title',
  'alt',
  'placeholder',
  'label',
  'aria-label',
  'aria-valuetext',
  'aria-description',
  'summary',
]);
const neutral = new Set(['99+']);
const hasLetters = (text) => /\p{L}/u.test(text) && !neutral.has(text.trim());
const problems = [];

function lineOf(source, offset) {
  return source.slice(0, offset).split('\n').length;
}

/** literals yields the strings that an expression may show; what a call gets or a comparison reads is not shown. */
function* literals(node) {
  if (!node) return;
  if (node.type === 'Literal' && typeof node.value === 'string') yield { text: node.value, start: node.start };
  if (node.type === 'TemplateLiteral')
    for (const quasi of node.quasis) yield { text: quasi.value.cooked, start: quasi.start };
  if (node.type === 'ConditionalExpression') {
    yield* literals(node.consequent);
    yield* literals(node.alternate);
  }
  if (node.type === 'LogicalExpression') {
    yield* literals(node.left);
    yield* literals(node.right);
  }
  if (node.type === 'BinaryExpression' && node.operator === '+') {
    yield* literals(node.left);
    yield* literals(node.right);
  }
}

function walk(node, visit) {
  if (!node || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit);
    return;
  }
  if (typeof node.type === 'string') visit(node);
  for (const key of Object.keys(node)) if (key !== 'type') walk(node[key], visit);
}

function checkFile(file, used, prefixes) {
  const source = readFileSync(file, 'utf8');
  const ast = parseAst(source, { lang: file.endsWith('x') ? 'tsx' : 'ts' });
  const complain = (start, text) =>
    problems.push(`${relative(web, file)}:${lineOf(source, start)}: text in code: ${JSON.stringify(text.trim())}`);
  walk(ast, (node) => {
    if (node.type === 'JSXText' && hasLetters(node.value)) complain(node.start, node.value);
    if (node.type === 'JSXElement' || node.type === 'JSXFragment') {
      for (const child of node.children) {
        if (child.type !== 'JSXExpressionContainer') continue;
        for (const found of literals(child.expression)) if (hasLetters(found.text)) complain(found.start, found.text);
      }
    }
    if (node.type === 'JSXAttribute' && shown.has(node.name.name)) {
      const value = node.value?.type === 'JSXExpressionContainer' ? node.value.expression : node.value;
      for (const found of literals(value)) if (hasLetters(found.text)) complain(found.start, found.text);
    }
    if (node.type === 'Literal' && typeof node.value === 'string') used.add(node.value);
    if (node.type === 'TemplateLiteral' && node.quasis.length > 1) prefixes.add(node.quasis[0].value.cooked);
    if (node.type === 'CallExpression' && node.callee.name === 'word' && node.arguments[0]?.type === 'Literal') {
      prefixes.add(`${node.arguments[0].value}.`);
    }
  });
}

for (const page of ['console', 'phone']) {
  const catalogueFile = resolve(web, page, 'src/i18n/pt-BR.json');
  if (!existsSync(catalogueFile)) continue;
  const used = new Set();
  const prefixes = new Set();
  for (const folder of [page, 'shared']) {
    for (const file of readdirSync(resolve(web, folder), { recursive: true })) {
      if (/\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file)) checkFile(resolve(web, folder, file), used, prefixes);
    }
  }
  const families = [...prefixes].filter((prefix) => /^[\w.]+\.$|^[\w.]+_$/.test(prefix));
  const keys = Object.keys(JSON.parse(readFileSync(catalogueFile, 'utf8')));
  for (const key of keys) {
    if (used.has(key) || families.some((prefix) => key.startsWith(prefix))) continue;
    problems.push(`${relative(web, dirname(catalogueFile))}: ${key} is not used`);
  }
}

for (const problem of problems) console.error(problem);
console.log(`text: ${problems.length} problems`);
if (problems.length > 0) process.exit(1);
