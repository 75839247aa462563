"""Enumerations that only the catalogue uses (目录字典); string codes everywhere, never bare
numbers.

Sources: 政务信息资源目录编制指南 (发改高技术〔2017〕1272号) elements 7, 8 and 11; 条例 Arts. 14,
22; 上海市数据条例 Art. 34. No typed struct carries these, so ``number`` is only an order for lists.
"""

from __future__ import annotations

from ledger.codes import Code


class FormatCategory(Code):
    """信息资源格式分类 (1272, element 7)."""

    ELECTRONIC_FILE = ("electronic_file", 1, "电子文件", "electronic file")
    SPREADSHEET = ("spreadsheet", 2, "电子表格", "spreadsheet")
    DATABASE = ("database", 3, "数据库", "database")
    IMAGE = ("image", 4, "图形图像", "image")
    STREAM_MEDIA = ("stream_media", 5, "流媒体", "stream media")
    SELF_DESCRIBING = ("self_describing", 6, "自描述格式", "self-describing format")
    SPECIAL_INDUSTRY = ("special_industry", 7, "特殊行业通用格式", "special industry format")


class ShareMode(Code):
    """共享方式 (条例 Art. 22)."""

    API = ("api", 1, "服务接口", "service API")
    BATCH = ("batch", 2, "批量交换", "batch exchange")
    FILE = ("file", 3, "文件下载", "file download")


class DataType(Code):
    """数据类型: the national letters of 1272 and the types that products add."""

    CHAR = ("char", 1, "字符型 C", "character (C)")
    NUMERIC = ("numeric", 2, "数值型 N", "numeric (N)")
    CURRENCY = ("currency", 3, "货币型 Y", "currency (Y)")
    DATE = ("date", 4, "日期型 D", "date (D)")
    DATETIME = ("datetime", 5, "日期时间型 T", "date and time (T)")
    TIME = ("time", 6, "时间型", "time of day")
    LOGICAL = ("logical", 7, "逻辑型 L", "logical (L)")
    MEMO = ("memo", 8, "备注型 M", "memo (M)")
    GENERAL = ("general", 9, "通用型 G", "general, binary (G)")
    DOUBLE = ("double", 10, "双精度型 B", "double precision (B)")
    INTEGER = ("integer", 11, "整型 I", "integer (I)")
    FLOAT = ("float", 12, "浮点型 F", "float (F)")
    DECIMAL = ("decimal", 13, "高精度数值型", "exact decimal")
    OTHER = ("other", 14, "其他", "other")


NUMERIC_TYPES = frozenset(
    {
        DataType.NUMERIC,
        DataType.CURRENCY,
        DataType.DOUBLE,
        DataType.INTEGER,
        DataType.FLOAT,
        DataType.DECIMAL,
    }
)


class BasisCategory(Code):
    """不予共享依据 (条例 Art. 14): nothing below a State Council decision counts."""

    LAW = ("law", 1, "法律", "law")
    ADMINISTRATIVE_REGULATION = (
        "administrative_regulation",
        2,
        "行政法规",
        "administrative regulation",
    )
    STATE_COUNCIL_DECISION = ("state_council_decision", 3, "国务院决定", "State Council decision")


class SystemLevel(Code):
    """来源系统层级 (1272 practice: 自建, 国直, 省直, 市直, 县直)."""

    OWN = ("own", 1, "自建", "own")
    NATIONAL = ("national", 2, "国直", "national")
    PROVINCIAL = ("provincial", 3, "省直", "provincial")
    CITY = ("city", 4, "市直", "city")
    COUNTY = ("county", 5, "县直", "county")


class Channel(Code):
    """提供渠道."""

    GOVERNMENT_NETWORK = ("government_network", 1, "政务外网", "government extranet")
    INTERNET = ("internet", 2, "互联网", "internet")
    DEPARTMENT_NETWORK = ("department_network", 3, "部门专网", "department network")


class Scene(Code):
    """应用场景."""

    SERVICE = ("government_service", 1, "政务服务", "government service")
    PUBLIC = ("public_service", 2, "公共服务", "public service")
    SUPERVISION = ("supervision", 3, "监管", "supervision")
    OTHER = ("other", 4, "其他", "other")


class DataScope(Code):
    """数据范围."""

    WHOLE_CITY = ("whole_city", 1, "全市", "whole city")
    CITY_DEPARTMENTS = ("city_departments", 2, "市直", "city departments")
    DISTRICT = ("district", 3, "区县", "district or county")


class ProviderCheck(Code):
    """提供方代码校验 (GB 32100-2015):
    a code from the registry that fails is overridden with evidence.
    """

    VALID = ("valid", 1, "校验通过", "valid")
    UNCHECKED = ("unchecked", 2, "未通过校验", "fails the check")
    MISSING = ("missing", 3, "缺少代码", "code missing, provisional")
    OVERRIDDEN = ("overridden", 4, "有依据放行", "overridden with evidence")


FORMAT_TYPES: dict[FormatCategory, frozenset[str]] = {
    FormatCategory.ELECTRONIC_FILE: frozenset(
        {"ofd", "wps", "xml", "txt", "doc", "docx", "html", "pdf", "ppt", "pptx", "rtf"}
    ),
    FormatCategory.SPREADSHEET: frozenset({"et", "xls", "xlsx", "csv", "tsv", "ods"}),
    FormatCategory.DATABASE: frozenset(
        {
            "dm",
            "kingbase",
            "oscar",
            "gbase",
            "oceanbase",
            "opengauss",
            "tidb",
            "oracle",
            "sqlserver",
            "mysql",
            "mariadb",
            "postgresql",
            "db2",
            "sybase",
            "access",
            "dbf",
            "sqlite",
            "hive",
            "clickhouse",
        }
    ),
    FormatCategory.IMAGE: frozenset(
        {"jpg", "jpeg", "gif", "bmp", "png", "tif", "tiff", "svg", "dwg", "shp", "geotiff"}
    ),
    FormatCategory.STREAM_MEDIA: frozenset(
        {"swf", "rm", "mpg", "mpeg", "mp3", "mp4", "avi", "wav", "flv", "mov"}
    ),
    FormatCategory.SELF_DESCRIBING: frozenset(
        {"json", "xml", "rdf", "geojson", "gml", "kml", "jsonld"}
    ),
    FormatCategory.SPECIAL_INDUSTRY: frozenset(),
}
"""Format types by category, lower case;
a special industry format is free text (1272, element 7).
"""

SHARE_MODES_OF: dict[FormatCategory, frozenset[ShareMode]] = {
    FormatCategory.ELECTRONIC_FILE: frozenset({ShareMode.FILE}),
    FormatCategory.SPREADSHEET: frozenset({ShareMode.FILE}),
    FormatCategory.DATABASE: frozenset({ShareMode.API, ShareMode.BATCH}),
    FormatCategory.IMAGE: frozenset({ShareMode.FILE}),
    FormatCategory.STREAM_MEDIA: frozenset({ShareMode.FILE, ShareMode.API}),
    FormatCategory.SELF_DESCRIBING: frozenset(ShareMode),
    FormatCategory.SPECIAL_INDUSTRY: frozenset(ShareMode),
}
"""How each format can be shared: files as files, databases through an API or batch exchange."""

STRUCTURED = frozenset(
    {FormatCategory.SPREADSHEET, FormatCategory.DATABASE, FormatCategory.SELF_DESCRIBING}
)
"""Categories whose entries must list their information items (1272, element 8)."""

INDUSTRIES: dict[str, str] = {
    "A": "农、林、牧、渔业",
    "B": "采矿业",
    "C": "制造业",
    "D": "电力、热力、燃气及水生产和供应业",
    "E": "建筑业",
    "F": "批发和零售业",
    "G": "交通运输、仓储和邮政业",
    "H": "住宿和餐饮业",
    "I": "信息传输、软件和信息技术服务业",
    "J": "金融业",
    "K": "房地产业",
    "L": "租赁和商务服务业",
    "M": "科学研究和技术服务业",
    "N": "水利、环境和公共设施管理业",
    "O": "居民服务、修理和其他服务业",
    "P": "教育",
    "Q": "卫生和社会工作",
    "R": "文化、体育和娱乐业",
    "S": "公共管理、社会保障和社会组织",
    "T": "国际组织",
}
"""行业门类 (GB/T 4754-2017, sections A to T)."""
