import { describe, expect, it } from 'vitest';
import { FORMS, pagesText, PAGES, renderPage, type PageName } from './pages.js';

const names = Object.keys(PAGES) as PageName[];

describe('the pages', () => {
  it('are one line each, found by name and form, and fit into a buffer of HAProxy', () => {
    const lines = pagesText().trimEnd().split('\n');
    expect(lines).toHaveLength(names.length * (FORMS.length + 1));
    for (const line of lines) {
      expect(line).toMatch(/^[a-z-]+\/(?:html|json|text)? [^\p{Cc}]+$/u);
      expect(line.length).toBeLessThan(8192);
    }
  });

  it.each(names)('%s names the next step, in JSON the code', (name) => {
    const { title, status } = PAGES[name];
    expect(renderPage(name, 'html')).toContain(`<h1>${title}</h1>`);
    expect(renderPage(name, 'text')).toMatch(/"shiplog [a-z]+/);
    expect(JSON.parse(renderPage(name, 'json'))).toMatchObject({ code: name, status, title });
  });
});
