-- one row per operand
{{ config(materialized="view") }}

{{ checklist_rows("institution_mechanism") }}
