//! The files that every schema may import without a reference: Google's `google/protobuf`, which the compiler brings along, and
//! here `google/type` and Confluent's own.

use super::names::META_FILE;

const META: &str = r#"syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; repeated Rule rules = 4; }
message Rule { string name = 1; string doc = 2; string expr = 3; string sql = 4; }
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }"#;

/// A file whose package is `$package`, with a body.
macro_rules! file {
    ($package:literal, $body:literal) => {
        concat!("syntax = \"proto3\"; package ", $package, "; ", $body)
    };
}

pub(super) const FILES: [(&str, &str); 19] = [
    (META_FILE, META),
    (
        "confluent/type/decimal.proto",
        file!("confluent.type", "message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }"),
    ),
    (
        "confluent/type/variant.proto",
        file!("confluent.type", "message Variant { bytes metadata = 1; bytes value = 2; }"),
    ),
    (
        "google/type/calendar_period.proto",
        file!(
            "google.type",
            "enum CalendarPeriod { CALENDAR_PERIOD_UNSPECIFIED = 0; DAY = 1; WEEK = 2; FORTNIGHT = 3; MONTH = 4; QUARTER = 5; \
             HALF = 6; YEAR = 7; }"
        ),
    ),
    (
        "google/type/color.proto",
        file!(
            "google.type",
            "import \"google/protobuf/wrappers.proto\"; message Color { float red = 1; float green = 2; float blue = 3; \
             google.protobuf.FloatValue alpha = 4; }"
        ),
    ),
    (
        "google/type/date.proto",
        file!("google.type", "message Date { int32 year = 1; int32 month = 2; int32 day = 3; }"),
    ),
    (
        "google/type/datetime.proto",
        file!(
            "google.type",
            "import \"google/protobuf/duration.proto\"; message DateTime { int32 year = 1; int32 month = 2; int32 day = 3; \
             int32 hours = 4; int32 minutes = 5; int32 seconds = 6; int32 nanos = 7; oneof time_offset { \
             google.protobuf.Duration utc_offset = 8; TimeZone time_zone = 9; } } message TimeZone { string id = 1; string \
             version = 2; }"
        ),
    ),
    (
        "google/type/dayofweek.proto",
        file!(
            "google.type",
            "enum DayOfWeek { DAY_OF_WEEK_UNSPECIFIED = 0; MONDAY = 1; TUESDAY = 2; WEDNESDAY = 3; THURSDAY = 4; FRIDAY = 5; \
             SATURDAY = 6; SUNDAY = 7; }"
        ),
    ),
    ("google/type/decimal.proto", file!("google.type", "message Decimal { string value = 1; }")),
    (
        "google/type/expr.proto",
        file!(
            "google.type",
            "message Expr { string expression = 1; string title = 2; string description = 3; string location = 4; }"
        ),
    ),
    (
        "google/type/fraction.proto",
        file!("google.type", "message Fraction { int64 numerator = 1; int64 denominator = 2; }"),
    ),
    (
        "google/type/interval.proto",
        file!(
            "google.type",
            "import \"google/protobuf/timestamp.proto\"; message Interval { google.protobuf.Timestamp start_time = 1; \
             google.protobuf.Timestamp end_time = 2; }"
        ),
    ),
    ("google/type/latlng.proto", file!("google.type", "message LatLng { double latitude = 1; double longitude = 2; }")),
    (
        "google/type/money.proto",
        file!("google.type", "message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }"),
    ),
    (
        "google/type/month.proto",
        file!(
            "google.type",
            "enum Month { MONTH_UNSPECIFIED = 0; JANUARY = 1; FEBRUARY = 2; MARCH = 3; APRIL = 4; MAY = 5; JUNE = 6; JULY = 7; \
             AUGUST = 8; SEPTEMBER = 9; OCTOBER = 10; NOVEMBER = 11; DECEMBER = 12; }"
        ),
    ),
    (
        "google/type/phone_number.proto",
        file!(
            "google.type",
            "message PhoneNumber { message ShortCode { string region_code = 1; string number = 2; } oneof kind { string \
             e164_number = 1; ShortCode short_code = 2; } string extension = 3; }"
        ),
    ),
    (
        "google/type/postal_address.proto",
        file!(
            "google.type",
            "message PostalAddress { int32 revision = 1; string region_code = 2; string language_code = 3; string postal_code = \
             4; string sorting_code = 5; string administrative_area = 6; string locality = 7; string sublocality = 8; repeated \
             string address_lines = 9; repeated string recipients = 10; string organization = 11; }"
        ),
    ),
    (
        "google/type/quaternion.proto",
        file!("google.type", "message Quaternion { double x = 1; double y = 2; double z = 3; double w = 4; }"),
    ),
    (
        "google/type/timeofday.proto",
        file!(
            "google.type",
            "message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }"
        ),
    ),
];

/// The text of a known file.
pub(super) fn file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The file of the wrapper messages as a registry has it when a record is a bare primitive.
pub(super) fn wrappers_text() -> &'static str {
    "syntax = \"proto3\";\n\
     package google.protobuf;\n\
     \n\
     option java_package = \"com.google.protobuf\";\n\
     option java_outer_classname = \"WrappersProto\";\n\
     option java_multiple_files = true;\n\
     option go_package = \"google.golang.org/protobuf/types/known/wrapperspb\";\n\
     option cc_enable_arenas = true;\n\
     option objc_class_prefix = \"GPB\";\n\
     option csharp_namespace = \"Google.Protobuf.WellKnownTypes\";\n\
     \n\
     message DoubleValue {\n  double value = 1;\n}\n\
     message FloatValue {\n  float value = 1;\n}\n\
     message Int64Value {\n  int64 value = 1;\n}\n\
     message UInt64Value {\n  uint64 value = 1;\n}\n\
     message Int32Value {\n  int32 value = 1;\n}\n\
     message UInt32Value {\n  uint32 value = 1;\n}\n\
     message BoolValue {\n  bool value = 1;\n}\n\
     message StringValue {\n  string value = 1;\n}\n\
     message BytesValue {\n  bytes value = 1;\n}\n"
}
