"use strict";
// The page works without this file; it adds the theme button and arrow keys in the matrix.

const theme = document.getElementById("theme");
const system = window.matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
theme.hidden = false;
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  label();
});
system.addEventListener("change", label);
label();

const matrix = document.getElementById("matrix");
if (matrix) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const at = (row, column) => matrix.rows[row] && matrix.rows[row].cells[column];
  const buttons = [...matrix.querySelectorAll("button")];
  // One stop for the Tab key; arrows move inside.
  buttons.forEach((button, number) => { button.tabIndex = number ? -1 : 0; });
  matrix.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    const cell = event.target.closest("td");
    if (!move || !cell) return;
    event.preventDefault();
    let row = cell.parentElement.rowIndex + move[0];
    let column = cell.cellIndex + move[1];
    while (at(row, column) && !at(row, column).querySelector("button")) {
      row += move[0];
      column += move[1];
    }
    const next = at(row, column) && at(row, column).querySelector("button");
    if (!next) return;
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  });
}

window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
