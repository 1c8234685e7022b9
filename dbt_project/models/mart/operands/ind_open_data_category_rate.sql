-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__open_dataset": "公共数据开放数据集"} %}

with

datasets as (
    {{
        counted(
            "big_data_center__open_dataset",
            "dataset",
            ["dataset.open_category"],
            {
                "不属于须开放的类别": "dataset.is_listed",
                "链接失效": "not dataset.is_broken",
                "没有数据": "not dataset.is_empty",
                "超过规定的更新周期未更新": "not dataset.is_stale",
            },
            relation=ref("int_dataset__opening"),
        )
    }}
)

-- 22 is fixed by the plan: the categories that indicator 18 lists
{{ fixed_operand_row("open_categories_required", 22) }}
union all
{{ count_row("opened_categories", "datasets", "datasets.open_category", needs) }}
