// The comments above fields and events in the sources: what a reader of the documents wants to know, too.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/**
 * Comments in one source file, by `Owner` and `Owner.field`: the owner is an event of `defineEvent('Owner', …)`, or the
 * constant that holds the schema.
 */
export const docCommentsOf = (file) => {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = new Map();
  const note = (key, node) => {
    const comment = commentBefore(text, node);
    if (comment !== undefined && !found.has(key)) found.set(key, comment);
  };
  const visit = (node, owner) => {
    let within = owner;
    if (ts.isVariableStatement(node)) {
      within = node.declarationList.declarations[0].name.getText();
      note(within, node);
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'defineEvent') {
      within = node.arguments[0].text;
      note(within, node);
    } else if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)) {
      within = `${owner}.${node.name.getText()}`;
      note(within, node);
    }
    ts.forEachChild(node, (child) => visit(child, within));
  };
  visit(source, '');
  return found;
};

const commentBefore = (text, node) => {
  const ranges = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
  const last = ranges.at(-1);
  if (last === undefined || !text.startsWith('/**', last.pos)) return undefined;
  return text
    .slice(last.pos + 3, last.end - 2)
    .replaceAll(/\n\s*\* ?/g, ' ')
    .trim();
};
