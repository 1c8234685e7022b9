{# What geo's models and the mart share; clocks: as in `records`. #}
{# District or county-level city of today that a division belongs to: development zones and former divisions by
   seeds/division_roll_ups.csv, which stands left-joined on the first six characters as `roll_up`. #}
{% macro district_code(column, roll_up="roll_up") -%}
    coalesce({{ roll_up }}.district_code, left({{ column }}, 6))
{%- endmacro %}


{# What is to be said of a delivered position (numbers, or null) in a system (an expression, or null where none was
   declared): stated, swapped (longitude and latitude, put right), missing, zero, outside, undeclared, not_convertible. #}
{% macro position_state(longitude, latitude, coordinate_system) -%}
    {%- set extent = var("city_extent") -%}
    case
        when {{ longitude }} is null or {{ latitude }} is null then 'missing'
        when {{ longitude }} = 0 or {{ latitude }} = 0 then 'zero'
        when not (
            {{ longitude }} between {{ extent.west }} and {{ extent.east }}
            and {{ latitude }} between {{ extent.south }} and {{ extent.north }}
            or {{ latitude }} between {{ extent.west }} and {{ extent.east }}
            and {{ longitude }} between {{ extent.south }} and {{ extent.north }}
        ) then 'outside'
        when {{ coordinate_system }} is null then 'undeclared'
        when {{ coordinate_system }} not in ('CGCS2000', 'WGS84', 'GCJ-02', 'BD-09') then 'not_convertible'
        when {{ latitude }} > {{ longitude }} then 'swapped'
        else 'stated'
    end
{%- endmacro %}


{# The position in CGCS2000 (a point), where its state allows one. #}
{% macro cgcs2000(longitude, latitude, coordinate_system, state) -%}
    case
        when {{ state }} in ('stated', 'swapped')
            then geo.cgcs2000(
                point(
                    greatest({{ longitude }}, {{ latitude }})::double precision,
                    least({{ longitude }}, {{ latitude }})::double precision
                ),
                {{ coordinate_system }}
            )
    end
{%- endmacro %}


{# Areas: one row per kind, division and year. #}
{% macro areas(clocks) -%}
    select distinct on (area.area_kind, area.division_code, area.year)
        area.area_kind,
        area.division_code,
        area.year,
        area.area_sqkm,
        area._batch_id as source_batch_id,
        area._row_no as source_row_no
    from {{ records("natural_resources__area", clocks) }} as area
    where area.area_sqkm is not null
    order by
        area.area_kind asc,
        area.division_code asc,
        area.year asc,
        area._applied_seq desc,
        area._row_no desc
{%- endmacro %}


{# Map sheets: one row per sheet. A 1:1000 sheet inside a 1:2000 sheet of the same system shows nothing more. #}
{% macro map_sheets(clocks) -%}
    with

    sheets as (
        select distinct on (sheet.sheet_no)
            sheet.sheet_no,
            sheet.scale,
            sheet.surveyed_year,
            sheet.min_x_m,
            sheet.min_y_m,
            sheet.max_x_m,
            sheet.max_y_m,
            sheet.crs,
            sheet.area_in_planning_sqkm,
            sheet._batch_id as source_batch_id,
            sheet._row_no as source_row_no
        from {{ records("natural_resources__map_sheet", clocks) }} as sheet
        order by
            sheet.sheet_no asc,
            sheet._applied_seq desc,
            sheet._row_no desc
    ),

    -- as wide as the widest coarse sheet, which then lies in four cells at most
    cell as (
        select
            greatest(
                max(sheets.max_x_m - sheets.min_x_m), max(sheets.max_y_m - sheets.min_y_m), 1
            ) as width
        from sheets
        where sheets.scale = '1:2000'
    ),

    coarse as (
        select
            sheets.*,
            floor(sheets.min_x_m / cell.width) + covered.east as cell_x,
            floor(sheets.min_y_m / cell.width) + covered.north as cell_y
        from sheets
        cross join cell
        cross join (values (0, 0), (0, 1), (1, 0), (1, 1)) as covered (east, north)
        where sheets.scale = '1:2000'
    ),

    inside as (
        select distinct fine.sheet_no
        from sheets as fine
        cross join cell
        inner join coarse
            on
                fine.crs = coarse.crs
                and floor(fine.min_x_m / cell.width) = coarse.cell_x
                and floor(fine.min_y_m / cell.width) = coarse.cell_y
                and fine.min_x_m >= coarse.min_x_m
                and fine.min_y_m >= coarse.min_y_m
                and fine.max_x_m <= coarse.max_x_m
                and fine.max_y_m <= coarse.max_y_m
        where fine.scale = '1:1000'
    )

    select
        sheets.*,
        inside.sheet_no is not null as is_inside_coarser
    from sheets
    left join inside on sheets.sheet_no = inside.sheet_no
{%- endmacro %}
