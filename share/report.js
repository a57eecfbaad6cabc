// SPDX-License-Identifier: Apache-2.0
// Sorts tables and saves CSV. Without it the page shows all of its contents. Written without the
// characters that XML reserves.
"use strict";
(function () {
  const value = function (row, column) {
    const cell = row.cells[column];
    return "v" in cell.dataset ? Number(cell.dataset.v === "" ? NaN : cell.dataset.v) : cell.textContent;
  };
  const compare = function (a, b) {
    if (typeof a !== "number") return a.localeCompare(b, undefined, { numeric: true });
    if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
    return Number.isNaN(b) ? -1 : a - b;
  };
  const sort = function (table, column, head) {
    const downwards = head.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    rows.forEach(function (row, i) { row.order = i; });
    rows.sort(function (a, b) {
      const x = value(a, column), y = value(b, column);
      const missing = [x, y].some(Number.isNaN);
      const c = compare(x, y) || a.order - b.order;
      return downwards ? (missing ? c : -c) : c;
    });
    Array.from(table.tHead.rows[0].cells).forEach(function (cell) { cell.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", downwards ? "descending" : "ascending");
    rows.forEach(function (row) { row.classList.remove("ends"); body.append(row); });
  };
  const quoted = function (s) { return /[",\r\n]/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s; };
  const csvOf = function (table) {
    const lines = [];
    if (table.tHead) {
      const names = [];
      Array.from(table.tHead.rows[0].cells).forEach(function (head) {
        const name = head.dataset.n;
        if (head.className === "interval") names.push(name + "_low", name + "_high");
        else names.push(name);
      });
      lines.push(names.map(quoted).join(","));
    }
    Array.from(table.tBodies[0].rows).forEach(function (row) {
      const fields = [];
      Array.from(row.cells).forEach(function (cell) {
        fields.push("v" in cell.dataset ? cell.dataset.v : quoted(cell.textContent));
        if ("w" in cell.dataset) fields.push(cell.dataset.w);
      });
      lines.push(fields.join(","));
    });
    return lines.join("\n") + "\n";
  };
  const addSave = function (before, name, text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "save";
    button.textContent = "Save " + name + ".csv";
    button.addEventListener("click", function () {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text()], { type: "text/csv" }));
      link.download = name + ".csv";
      link.click();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
    });
    before.before(button);
  };
  document.querySelectorAll("table[data-table]").forEach(function (table) {
    addSave(table.parentElement, table.dataset.table, function () { return csvOf(table); });
    if (table.tHead === null) return;
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", function () { sort(table, column, head); });
      head.append(button);
    });
  });
  document.querySelectorAll("pre[data-csv]").forEach(function (pre) {
    addSave(pre, pre.dataset.csv, function () { return pre.textContent; });
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details.table, details.source").forEach(function (d) { d.open = true; });
  });
})();
