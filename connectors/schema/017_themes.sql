-- Themes: up to what each is built, and positions brought to CGCS2000.

alter table mart.library_build
    add column known_at bigint,
    add column change_no bigint;

comment on table mart.library_build is '各基础库和主题库由哪一版规则建成；主题库另记数据到哪一次入库、归并到哪一次变更';

create schema if not exists geo;

-- GCJ-02 of a CGCS2000 position: point (longitude, latitude) in degrees; the published formula on the Krasovsky 1940
-- ellipsoid. CGCS2000 and WGS 84 differ by centimetres and are taken as one.
create function geo.gcj02_of_cgcs2000(place point) returns point
language plpgsql immutable strict parallel safe
as $function$
declare
    major_axis constant double precision := 6378245.0;
    eccentricity_squared constant double precision := 0.00669342162296594323;
    x double precision := place[0] - 105;
    y double precision := place[1] - 35;
    waves double precision := (20 * sin(6 * x * pi()) + 20 * sin(2 * x * pi())) * 2 / 3;
    north double precision := -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + waves
        + (20 * sin(y * pi()) + 40 * sin(y / 3 * pi()) + 160 * sin(y / 12 * pi()) + 320 * sin(y / 30 * pi())) * 2 / 3;
    east double precision := 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + waves
        + (20 * sin(x * pi()) + 40 * sin(x / 3 * pi()) + 150 * sin(x / 12 * pi()) + 300 * sin(x / 30 * pi())) * 2 / 3;
    magic double precision := 1 - eccentricity_squared * sin(radians(place[1])) ^ 2;
begin
    return point(
        place[0] + degrees(east / (major_axis / sqrt(magic) * cos(radians(place[1])))),
        place[1] + degrees(north / (major_axis * (1 - eccentricity_squared) / magic ^ 1.5))
    );
end
$function$;

-- BD-09 of a GCJ-02 position; the published formula
create function geo.bd09_of_gcj02(place point) returns point
language plpgsql immutable strict parallel safe
as $function$
declare
    distance double precision := sqrt(place[0] ^ 2 + place[1] ^ 2) + 0.00002 * sin(radians(place[1] * 3000));
    angle double precision := atan2(place[1], place[0]) + 0.000003 * cos(radians(place[0] * 3000));
begin
    return point(distance * cos(angle) + 0.0065, distance * sin(angle) + 0.006);
end
$function$;

-- CGCS2000 of a position in a declared system; null where the system has no published formula. The formulas only lead
-- to the shifted systems; their inverse is the fixed point, each step a hundred times nearer.
create function geo.cgcs2000(place point, coordinate_system text) returns point
language plpgsql immutable strict parallel safe
as $function$
declare
    found point := place;
begin
    if coordinate_system in ('CGCS2000', 'WGS84') then
        return place;
    elsif coordinate_system = 'BD-09' then
        for step in 1 .. 4 loop
            found := found + place - geo.bd09_of_gcj02(found);
        end loop;
        return geo.cgcs2000(found, 'GCJ-02');
    elsif coordinate_system = 'GCJ-02' then
        for step in 1 .. 4 loop
            found := found + place - geo.gcj02_of_cgcs2000(found);
        end loop;
        return found;
    end if;
    return null;
end
$function$;

comment on function geo.cgcs2000(point, text) is '把注明坐标系的位置（经度，纬度）换算到 CGCS2000；没有公开公式的坐标系为空';
