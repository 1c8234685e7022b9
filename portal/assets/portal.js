// Filters of long lists; without scripts the lists stand whole.
"use strict";

document.querySelectorAll("form[data-filter]").forEach((form) => {
  const list = document.getElementById(form.dataset.filter);
  const rows = [...list.querySelectorAll("tr.indicator, .entry")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const output = form.querySelector("output");

  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [...form.querySelectorAll("select")].filter((select) => select.value);
    let shown = 0;
    for (const row of rows) {
      const fits =
        words.every((word) => texts.get(row).includes(word)) &&
        chosen.every((select) => row.dataset[select.name] === select.value);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const group of list.querySelectorAll("tr.group")) {
      group.hidden = ![...group.parentElement.querySelectorAll("tr.indicator")].some((row) => !row.hidden);
    }
    const filtered = words.length || chosen.length;
    output.textContent = filtered ? output.dataset.count.replace("{n}", shown).replace("{all}", rows.length) : "";
  };

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
});

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
