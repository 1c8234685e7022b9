-- Expectations that compare what several departments delivered; judged once per run.

alter table quality.gate_result drop constraint gate_result_kind_check;
alter table quality.gate_result
    add constraint gate_result_kind_check check (kind in ('rule', 'guard', 'target', 'cross'));
