// Filters of long lists; without scripts the lists stand whole.
"use strict";

const plain = (text) => text.normalize("NFKC").toLowerCase();

// Shows where the words stand; browsers without highlights show the list without them.
const highlight = (rows, words) => {
  if (!window.Highlight) {
    return;
  }
  const ranges = [];
  for (const row of words.length ? rows : []) {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = plain(walker.currentNode.data);
      for (const word of text.length === walker.currentNode.length ? words : []) {
        for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + word.length);
          ranges.push(range);
        }
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
};

document.querySelectorAll("form[data-filter]").forEach((form) => {
  const list = document.getElementById(form.dataset.filter);
  const rows = [...list.querySelectorAll("tr.indicator, .entry")];
  const texts = new Map(rows.map((row) => [row, plain(row.textContent)]));
  const output = form.querySelector("output");

  const apply = () => {
    const words = plain(form.elements.text.value).split(/\s+/).filter(Boolean);
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    const shown = rows.filter((row) => {
      row.hidden = !(
        words.every((word) => texts.get(row).includes(word)) &&
        chosen.every((select) => row.dataset[select.name] === select.value)
      );
      return !row.hidden;
    });
    for (const group of list.querySelectorAll("tr.group, .group")) {
      const members = (group.matches("tr") ? group.parentElement : group).querySelectorAll("tr.indicator, .entry");
      group.hidden = (words.length || chosen.length) > 0 && ![...members].some((row) => !row.hidden);
    }
    const told = shown.length ? output.dataset.count : output.dataset.none;
    output.textContent =
      words.length || chosen.length ? told.replace("{n}", shown.length).replace("{all}", rows.length) : "";
    highlight(shown, words);
  };

  form.addEventListener("input", apply);
  // Enter leads to the first result.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    rows.find((row) => !row.hidden)?.querySelector("a[href]")?.focus();
  });
  apply();
});

// On a phone the navigation scrolls: show where we are.
const navigation = document.querySelector("header.site nav");
const current = navigation.querySelector("[aria-current]");
if (current) {
  navigation.scrollLeft = current.offsetLeft - (navigation.clientWidth - current.offsetWidth) / 2;
}

const openTarget = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", openTarget);
openTarget();

const closed = [];
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((one) => {
    one.open = true;
    closed.push(one);
  });
});
window.addEventListener("afterprint", () => {
  closed.splice(0).forEach((one) => {
    one.open = false;
  });
});
