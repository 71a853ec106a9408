import org.apache.kafka.connect.json.*;
import org.apache.kafka.connect.data.*;
import java.util.*;
import java.nio.charset.StandardCharsets;
/** Prints what JsonConverter of the Kafka Connect on the class path makes of fixed and random inputs, one line each. */
public class JsonVectors {
 static String hex(byte[] b){ StringBuilder s=new StringBuilder(); for(byte x:b) s.append(String.format("%02x",x)); return s.toString(); }
 static String hex(String s){ return hex(s.getBytes(StandardCharsets.UTF_8)); }
 static String run(String conf, byte[] in){
  try {
   Map<String,Object> m=new HashMap<>();
   for(String kv:conf.split(";")) if(!kv.isEmpty()){int i=kv.indexOf('=');m.put(kv.substring(0,i),kv.substring(i+1));}
   JsonConverter c=new JsonConverter(); c.configure(m,false);
   SchemaAndValue v=c.toConnectData("t",in);
   String seen=v.schema()+"\t"+hex(""+v.value());
   try { byte[] back=c.fromConnectData("t",v.schema(),v.value()); return "OK\t"+seen+"\t"+(back==null?"NULL":hex(back)); }
   catch(RuntimeException e){ return "WRITE\t"+seen+"\t"+hex(""+e.getMessage()); }
  } catch(RuntimeException e){ return "READ\t"+hex(""+e.getMessage()); }
 }
 static void try_(String conf, byte[] in){ System.out.println(hex(conf)+"\t"+hex(in)+"\t"+run(conf,in)); }
 static final Random R=new Random(7);
 static String pick(String... o){ return o[R.nextInt(o.length)]; }
 static String name(){ return pick("a","b","c","kafka_topic","kafka_partition","Aa","BB","status","info","x1","x2","x3","x4","x5","x6","x7","x8","x9","id","name","\u00e9","\ud83d\ude00"); }
 static String any(int d){ switch(R.nextInt(d>3?7:9)){
   case 0:return "null"; case 1:return pick("true","false"); case 2:return ""+(R.nextInt(2001)-1000); case 3:return pick("9223372036854775807","-9223372036854775808","4294967296","1000000000000","-70000","300");
   case 4:return pick("1.5","-0.25","1e3","12E-3","100.0","1e7","0.001","0.0001","123456789012345678901","007","-01.50");
   case 5:return "\""+name()+pick("","\\n","\\u0001","\\/","\\\"","\u2028","\\ud83d\\ude00")+"\""; case 6:return "\"AJw=\"";
   case 7:{StringBuilder b=new StringBuilder("[");int n=R.nextInt(4);for(int i=0;i<n;i++){if(i>0)b.append(pick(","," , "));b.append(any(d+1));}return b+"]";}
   default:{StringBuilder b=new StringBuilder("{");int n=R.nextInt(R.nextInt(10)==0?30:5);for(int i=0;i<n;i++){if(i>0)b.append(",");b.append("\""+name()+(n>10?""+i:"")+"\":"+any(d+1));}return b+"}";}}}
 static String schema(int d){ String t=pick("int8","int16","int32","int64","float","double","boolean","string","bytes","array","map","struct","string","struct");
   if(d>2&&(t.equals("array")||t.equals("map")||t.equals("struct"))) t="int32";
   StringBuilder b=new StringBuilder("{\"type\":\""+t+"\"");
   if(t.equals("array")) b.append(",\"items\":"+schema(d+1));
   if(t.equals("map")) b.append(",\"keys\":"+pick("{\"type\":\"string\"}","{\"type\":\"string\",\"optional\":true}","{\"type\":\"int32\"}","{\"type\":\"int64\"}","{\"type\":\"double\"}","{\"type\":\"boolean\",\"optional\":true}","{\"type\":\"array\",\"items\":{\"type\":\"int8\"}}")+",\"values\":"+schema(d+1));
   if(t.equals("struct")){b.append(",\"fields\":[");int n=R.nextInt(4);for(int i=0;i<n;i++){if(i>0)b.append(",");String f=schema(d+1);b.append(f,0,f.length()-1).append(",\"field\":\""+pick("a","b","c","d","e","f")+"\"}");}b.append("]");}
   if(R.nextInt(3)>0) b.append(",\"optional\":"+pick("true","true","false"));
   if(R.nextInt(8)==0&&!t.equals("array")&&!t.equals("map")&&!t.equals("struct")) b.append(",\"name\":"+pick("\"n\"","5","\"org.apache.kafka.connect.data.Date\"","\"org.apache.kafka.connect.data.Time\"","\"org.apache.kafka.connect.data.Timestamp\"","\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":\"2\"}"));
   if(R.nextInt(8)==0) b.append(",\"version\":"+pick("1","1.0","4294967297"));
   if(R.nextInt(8)==0) b.append(",\"doc\":"+pick("\"d\\u00e9\"","null"));
   if(R.nextInt(12)==0) b.append(",\"default\":"+any(2));
   return b+"}"; }
 static String fit(String schema){ // a payload that often fits
   try { JsonConverter c=new JsonConverter(); c.configure(Map.of(),false); return sample(c.asConnectSchema(new com.fasterxml.jackson.databind.ObjectMapper().readTree(schema))); } catch(Exception e){ return any(1); } }
 static String sample(Schema s){ if(s==null||R.nextInt(15)==0) return any(2); if(s.isOptional()&&R.nextInt(4)==0) return "null";
   switch(s.type()){ case ARRAY:return "["+sample(s.valueSchema())+","+sample(s.valueSchema())+"]";
    case MAP: return s.keySchema().type()==Schema.Type.STRING ? "{\""+name()+"\":"+sample(s.valueSchema())+",\"z\":"+sample(s.valueSchema())+"}" : "[["+sample(s.keySchema())+","+sample(s.valueSchema())+"],["+sample(s.keySchema())+","+sample(s.valueSchema())+"]]";
    case STRUCT:{StringBuilder b=new StringBuilder("{");int i=0;for(Field f:s.fields()){if(R.nextInt(6)==0&&f.schema().isOptional())continue;if(i++>0)b.append(",");b.append("\""+f.name()+"\":"+sample(f.schema()));}return b+"}";}
    case BOOLEAN:return "true"; case STRING:return "\""+name()+"\""; case BYTES:return pick("\"AJw=\"","\"\"","1.56","12"); case FLOAT32:case FLOAT64:return pick("1.5","2","-0.25");
    default:return ""+R.nextInt(100000); } }
 public static void main(String[] a) throws Exception {
  String[] n={"01","-01","1abc","1 abc","true1","truex","true ,","nullnull","\"a\"x","[1]x","1,2","-","1.","1.5e","1e5","[1 2]","[1,]","{\"a\":1,}","{\"a\":1 \"b\":2}","\"\\ud83d\"","\"\\ud83d\\ude00\"","\"\\u007f\\u2028/\"","-0","-0.0","99999999999999999999","1e400","{\"b\":1,\"a\":2,\"b\":3}","\"a\nb\"","NaN","'a'","/*x*/1","[","","  ","{\"kafka_topic\":1,\"kafka_partition\":2}","{\"1\":[]}","1.10","0.1e-7","123456789012345678901234567890.5","1\u00a0","\ufeff1","+1",".5","00","0x1","1]","1}","1:","1\"a\"","true]","true}","null,","falsey","1/","\"\\q\"","\"\\u12g4\"","{a:1}","{\"\":null}","[[],{},null]"};
  for(String s:n){try_("schemas.enable=false",s.getBytes(StandardCharsets.UTF_8));}
  byte[][] bs={{(byte)0xc0,(byte)0x80},{'"',(byte)0xc0,(byte)0x80,'"'},{'"',(byte)0xed,(byte)0xa0,(byte)0x80,'"'},{'"',(byte)0xff,'"'},{'"',(byte)0xe9,'"'},"\"é\"".getBytes("UTF-16"),"\"é\"".getBytes("UTF-16LE"),"\"é\"".getBytes("UTF-32"),{(byte)0xef,(byte)0xbb,(byte)0xbf},{0},{0,0},{'1',0}};
  for(byte[] s:bs){try_("schemas.enable=false",s);}
  String[][] w={{"schemas.enable=true;schema.content={\"type\":\"int32\",\"optional\":false}","5"},{"schemas.enable=true;schema.content={\"type\":\"int32\",\"optional\":false}","{\"schema\":null,\"payload\":1}"},{"schemas.enable=true;schema.content={\"type\":\"int32\",\"optional\":false}",""},{"schemas.enable=true;schema.content={\"type\"",""},{"schemas.enable=true;schema.content={\"typ\":1}",""},{"schemas.enable=true;schema.content=","5"},{"schemas.enable=false;schema.content={\"type\":\"string\"}","5"},{"schemas.enable=true;schema.content=null","5"},
   {"","{\"schema\":null,\"payload\":{\"x\":[1,2.5,null]}}"},{"","null"},{"",""},{"","{\"payload\":1,\"schema\":{\"type\":\"int8\"}}"},{"","{\"payload\":1,\"schema\":5}"},{"","{\"schema\":{\"type\":\"map\",\"keys\":null,\"values\":{\"type\":\"int8\"}},\"payload\":1}"},{"","{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"int8\"},\"values\":{\"type\":\"int8\"}},\"payload\":[[1,2],[3,4]]}"},{"","{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"string\",\"optional\":true},\"values\":{\"type\":\"int8\"}},\"payload\":{\"null\":1}}"},
   {"","{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"a\",\"default\":7},{\"type\":\"string\",\"optional\":true,\"field\":\"b\",\"doc\":\"d\",\"name\":\"n\",\"version\":3,\"parameters\":{\"z\":\"1\",\"a\":\"2\"}}],\"default\":{\"a\":1}},\"payload\":{}}"},
   {"","{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"a\",\"default\":7},{\"type\":\"string\",\"optional\":true,\"field\":\"b\",\"doc\":\"d\",\"name\":\"n\",\"version\":3,\"parameters\":{\"z\":\"1\",\"a\":\"2\"}}]},\"payload\":{}}"},
   {"","{\"schema\":{\"type\":\"struct\",\"fields\":[null]},\"payload\":{}}"},{"","{\"schema\":{\"type\":\"struct\",\"fields\":[{\"field\":1}]},\"payload\":{}}"},{"","{\"schema\":{\"type\":\"array\"},\"payload\":{}}"},{"","{\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"int32\"}},\"payload\":{\"a\":5}}"},{"","{\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"int32\"}},\"payload\":7}"},
   {"","{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}},\"payload\":\"AJw=\"}"},{"decimal.format=NUMERIC","{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}},\"payload\":1.560}"},{"decimal.format=numeric","{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"},\"default\":\"AJw=\",\"optional\":true},\"payload\":null}"},
   {"","{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}},\"payload\":\"1.56\"}"},{"","{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}},\"payload\":true}"},
   {"","{\"schema\":{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Date\",\"version\":1},\"payload\":1.0}"},{"","{\"schema\":{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Date\",\"version\":1},\"payload\":19000}"},{"","{\"schema\":{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Time\",\"version\":1},\"payload\":86400001}"},
   {"","{\"schema\":{\"type\":\"string\"},\"payload\":5}"},{"","{\"schema\":{\"type\":\"bytes\"},\"payload\":\"A\"}"},{"","{\"schema\":{\"type\":\"bytes\"},\"payload\":\"AB==\"}"},{"","{\"schema\":{\"type\":\"bytes\"},\"payload\":\" AAAA BBBB\\n\"}"},{"","{\"schema\":{\"type\":\"bytes\"},\"payload\":\"AAA\"}"},{"","{\"schema\":{\"type\":\"bytes\"},\"payload\":\"A A A A\"}"},
   {"","{\"schema\":{\"type\":\"int8\"},\"payload\":300}"},{"","{\"schema\":{\"type\":\"int32\"},\"payload\":1.9}"},{"","{\"schema\":{\"type\":\"int32\"},\"payload\":3000000000}"},{"","{\"schema\":{\"type\":\"float\"},\"payload\":1e50}"},{"","{\"schema\":{\"type\":\"double\"},\"payload\":\"NaN\"}"},{"","{\"schema\":{\"type\":\"boolean\"},\"payload\":\"true\"}"},{"","{\"schema\":{\"type\":\"float32\"},\"payload\":1}"},{"","{\"schema\":{\"type\":\"int32\",\"default\":\"x\"},\"payload\":null}"},{"","{\"schema\":{\"type\":\"int32\",\"default\":null},\"payload\":null}"},{"","{\"schema\":{\"type\":\"int32\",\"default\":null,\"optional\":true},\"payload\":null}"},{"replace.null.with.default=false","{\"schema\":{\"type\":\"int32\",\"default\":4},\"payload\":null}"},{"","{\"schema\":{\"type\":\"int32\",\"default\":4,\"doc\":5,\"version\":1.0,\"name\":[]},\"payload\":null}"},{"","{\"schema\":{\"type\":\"int32\",\"parameters\":{\"a\":1}},\"payload\":null}"},{"","{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\"},{\"type\":\"int8\",\"field\":\"a\"}]},\"payload\":null}"},{"","{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"field\":\"a\"}]},\"payload\":{\"a\":5}}"},{"","{\"schema\":{\"type\":\"int64\"},\"payload\":1,\"x\":2}"},{"","{\"schema\":{\"type\":\"int64\"},\"schema\":null,\"payload\":1}"},{"","{\"schema\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"optional\":true},\"default\":[\"a\",null]},\"payload\":null}"}};
  int count=Integer.parseInt(a[0]);
  for(int i=0;i<count;i++){ String j=any(0); if(R.nextInt(5)==0&&j.length()>1){int at=R.nextInt(j.length()-1);j=j.substring(0,at)+pick("","]","}",",","x","\"")+j.substring(at+1);} try_("schemas.enable=false",j.getBytes(StandardCharsets.UTF_8)); }
  for(int i=0;i<count;i++){ String sc=schema(0); try_(pick("","","decimal.format=NUMERIC","replace.null.with.default=false"),("{\"schema\":"+sc+",\"payload\":"+fit(sc)+"}").getBytes(StandardCharsets.UTF_8)); }
  for(String[] s:w){try_(s[0],s[1].getBytes(StandardCharsets.UTF_8));}
 }}
