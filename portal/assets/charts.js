// Draws each chart from the table beside it, which is also its text alternative: no second copy of a figure.
"use strict";

const FONT = getComputedStyle(document.body).fontFamily;
const TEXT = "#44525f";
const LINE = "#d9e0e8";
const STAR_COLOURS = { 5: "#d78f00", 4: "#f0c66b", 0: "#ae2a1f", none: "#b3bfcc", deduction: "#66758a" };
const AXIS = { axisLabel: { color: TEXT }, axisLine: { lineStyle: { color: LINE } }, splitLine: { lineStyle: { color: "#e7ecf1" } } };
const TOOLTIP = { renderMode: "richText", trigger: "axis" };

const number = (cell) => (cell.dataset.value === undefined || cell.dataset.value === "" ? null : Number(cell.dataset.value));
const bodyRows = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);

// An axis from one round figure below the values to one above.
const bounds = (values) => {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const step = 10 ** Math.floor(Math.log10(high - low || Math.abs(high) || 1));
  return { min: Math.floor(low / step) * step, max: Math.ceil(high / step) * step };
};

const stacked = (table) => {
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = bodyRows(table).reverse();
  return {
    legend: { type: "scroll", top: 0, textStyle: { color: TEXT } },
    grid: { left: 8, right: 24, top: 36, bottom: 8, containLabel: true },
    tooltip: { ...TOOLTIP, axisPointer: { type: "shadow" } },
    xAxis: { type: "value", minInterval: 1, ...AXIS },
    yAxis: { type: "category", data: rows.map((row) => row.cells[0].textContent.trim()), ...AXIS },
    series: heads.map((head, index) => ({
      name: head.textContent.trim(),
      type: "bar",
      stack: "all",
      barMaxWidth: 24,
      itemStyle: { color: STAR_COLOURS[head.dataset.star], borderColor: "#fff", borderWidth: 1 },
      label: { show: true, color: ["0", "deduction"].includes(head.dataset.star) ? "#fff" : "#1d2733", formatter: (point) => point.value || "" },
      data: rows.map((row) => number(row.cells[index + 1])),
    })),
    aria: { enabled: true, decal: { show: true, decals: [
      { symbol: "none" },
      { symbol: "circle", symbolSize: 0.35, color: "rgba(0,0,0,.28)" },
      { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4, color: "rgba(255,255,255,.3)" },
      { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [1, 4], rotation: Math.PI / 4, color: "rgba(0,0,0,.16)" },
      { symbol: "none" },
    ] } },
  };
};

const history = (table, holder) => {
  const rows = bodyRows(table).reverse();
  const unit = holder.dataset.unit;
  const lines = ["4", "5"].filter((star) => holder.dataset[`star${star}`] !== undefined).map((star) => ({
    yAxis: Number(holder.dataset[`star${star}`]),
    name: holder.dataset[`label-${star}`] || holder.getAttribute(`data-label-${star}`),
    lineStyle: { color: STAR_COLOURS[5], type: star === "5" ? "solid" : "dashed", width: 1.5 },
  }));
  const levels = lines.map((line) => line.yAxis);
  return {
    grid: { left: 8, right: 84, top: 24, bottom: 8, containLabel: true },
    tooltip: { ...TOOLTIP, valueFormatter: (value) => (value === undefined || value === null || Number.isNaN(value) ? "—" : `${value} ${unit}`) },
    xAxis: { type: "category", data: rows.map((row) => row.cells[0].textContent.trim()), ...AXIS },
    yAxis: {
      type: "value",
      name: unit,
      scale: true,
      ...bounds([...rows.map((row) => number(row.cells[1])).filter((value) => value !== null), ...levels]),
      ...AXIS,
    },
    series: [{
      type: "line",
      symbol: "circle",
      symbolSize: 9,
      lineStyle: { width: 2.5, color: "#1b5fa6" },
      itemStyle: { color: "#1b5fa6" },
      data: rows.map((row) => number(row.cells[1])),
      markLine: { symbol: "none", silent: true, label: { formatter: (mark) => mark.name, color: "#7a4d00", position: "end" }, data: lines },
    }],
  };
};

const scores = (table) => {
  const rows = bodyRows(table).reverse();
  const last = table.tHead.rows[0].cells.length - 1;
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  return {
    legend: { top: 0, textStyle: { color: TEXT }, data: [names[last - 1], names[last]] },
    grid: { left: 8, right: 40, top: 36, bottom: 8, containLabel: true },
    tooltip: { ...TOOLTIP, axisPointer: { type: "shadow" }, valueFormatter: (value) => `${value}%` },
    xAxis: { type: "value", min: 0, max: 100, ...AXIS, axisLabel: { color: TEXT, formatter: "{value}%" } },
    yAxis: { type: "category", data: rows.map((row) => row.cells[0].dataset.name), ...AXIS },
    series: [
      {
        name: names[last - 1],
        type: "bar",
        barMaxWidth: 18,
        itemStyle: { color: "#1b6e42" },
        label: { show: true, position: "insideRight", color: "#fff", formatter: (point) => `${Math.floor(point.value * 10) / 10}%` },
        data: rows.map((row) => {
          const value = number(row.cells[last - 1]);
          const target = number(row.cells[last]);
          return value !== null && target !== null && value < target ? { value, itemStyle: { color: "#ae2a1f" } } : value;
        }),
      },
      {
        name: names[last],
        type: "line",
        symbol: "rect",
        symbolSize: [3, 24],
        lineStyle: { width: 0 },
        itemStyle: { color: "#1d2733" },
        data: rows.map((row) => number(row.cells[last])),
      },
    ],
  };
};

const months = (table, holder) => {
  const heads = [...table.tHead.rows[0].cells];
  const total = heads.findIndex((head) => head.dataset.total !== undefined);
  const rows = bodyRows(table).reverse();
  const values = rows.map((row) => number(row.cells[total]));
  const pass = Number(holder.dataset.pass);
  return {
    grid: { left: 8, right: 84, top: 24, bottom: 8, containLabel: true },
    tooltip: { ...TOOLTIP, valueFormatter: (value) => (value === undefined || value === null ? "—" : `${value}%`) },
    xAxis: { type: "category", data: rows.map((row) => row.cells[0].textContent.trim()), ...AXIS },
    yAxis: { type: "value", name: "%", scale: true, ...bounds([...values.filter((value) => value !== null), pass]), ...AXIS },
    series: [{
      name: heads[total].textContent.trim(),
      type: "line",
      symbol: "circle",
      symbolSize: 9,
      lineStyle: { width: 2.5, color: "#1b5fa6" },
      itemStyle: { color: "#1b5fa6" },
      data: values,
      markLine: {
        symbol: "none",
        silent: true,
        label: { formatter: (mark) => mark.name, color: "#7a4d00", position: "end" },
        data: [{ yAxis: pass, name: holder.getAttribute("data-label-pass"), lineStyle: { color: STAR_COLOURS[5], type: "dashed", width: 1.5 } }],
      },
    }],
  };
};

const KINDS = { stacked, history, scores, months };

document.querySelectorAll(".chart").forEach((holder) => {
  const table = document.getElementById(holder.dataset.chart);
  if (holder.dataset.kind === "scores") {
    holder.style.height = `${Math.max(8, bodyRows(table).length * 2.6 + 5)}rem`;
  }
  const alternative = table.closest(".chart-table");
  if (alternative) {
    alternative.open = false;
  }
  const chart = echarts.init(holder, null, { renderer: "canvas" });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  chart.setOption({ animation: !still, textStyle: { fontFamily: FONT, color: TEXT }, ...KINDS[holder.dataset.kind](table, holder) });
  new ResizeObserver(() => chart.resize()).observe(holder);
});
