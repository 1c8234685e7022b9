-- The seed of the plan's targets gained columns; a seed table is loaded again when it is absent.

drop table if exists reference.plan_targets;
