{# Rows that more than one indicator counts (macros/counted.sql). #}
{# Junctions in use that are no branch-road ones: indicators 9 and 35. #}
{% macro major_junctions() -%}
    {{
        counted(
            "traffic_police__junction",
            "junction",
            ["junction.junction_code", "junction.has_realtime_signal", "junction.has_epolice"],
            {
                "不在用": in_use("junction.status"),
                "支路路口": "junction.is_branch_road is not true",
            },
        )
    }}
{%- endmacro %}


{# Cameras in use in key public areas: indicators 33 and 34. #}
{% macro key_area_cameras() -%}
    {{
        counted(
            "public_security__camera",
            "camera",
            ["camera.device_code", "camera.is_working", "camera.is_networked"],
            {
                "不在重点公共区域": "camera.is_in_key_area",
                "不在用": in_use("camera.status"),
            },
        )
    }}
{%- endmacro %}


{# Broadband subscriptions of households, known by their standard address, with any operator: indicators 29 and 36. #}
{% macro broadband_households() -%}
    {{
        counted(
            needs_of_each("broadband_user", "", operators()),
            "subscription",
            ["subscription.address_code", "subscription.access_kind", "subscription.speed_mbps"],
            {
                "不是居民用户": "subscription.customer_kind = '居民'",
                "没有标准地址": "subscription.address_code is not null",
                "不在用": in_use("subscription.status"),
                "评定日尚未开通": has_begun("subscription.opened_on"),
            },
            raw=["customer_kind", "address_code", "access_kind", "speed_mbps", "opened_on", "status"],
        )
    }}
{%- endmacro %}


{# Government departments at city level in use, one row each: indicator 17. #}
{% macro government_departments() -%}
    {{
        counted(
            "institution_staffing__department",
            "department",
            ["department.department_code", "department.name"],
            {
                "不是政府部门": "department.is_government_department",
                "不是市级部门": "department.level = '市级'",
                "不在用": in_use("department.status"),
            },
            one_per=["department.department_code"],
            order_by=["department._applied_seq desc", "department._row_no asc"],
        )
    }}
{%- endmacro %}
