-- one row per camera in use in a key public area, at the run's clocks
{{ config(materialized="view") }}

select
    camera.device_code,
    bool_or(coalesce(camera.is_working, false)) as is_working,
    bool_or(coalesce(camera.is_networked, false)) as is_networked
from {{ in_force("public_security__camera") }} as camera
where
    camera.is_in_key_area
    and {{ in_use("camera.status") }}
group by camera.device_code
